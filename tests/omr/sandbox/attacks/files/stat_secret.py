# MUST NOT: learn that a file exists and its size and times (Landlock alone cannot hide this)
# CHECK: bare names
import os
s=os.stat('@HOME@/secret.txt'); print('SEEN-CANARY-NAME', s.st_size, s.st_mtime)
