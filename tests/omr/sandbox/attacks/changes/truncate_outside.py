# MUST NOT: truncate by path (Landlock covers it only from kernel 6.2 on)
# CHECK: file bare
import os
os.truncate('@HOME@/victim.txt',0)
