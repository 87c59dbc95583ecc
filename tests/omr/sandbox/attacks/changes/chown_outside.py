# MUST NOT: change an owner
# CHECK: file
import os
os.chown('@HOME@/victim.txt',os.getuid(),os.getgid()); os.chown('@HOME@/victim.txt',12345,12345)
