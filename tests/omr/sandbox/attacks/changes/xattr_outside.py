# MUST NOT: set an attribute of a file
# CHECK: file
import os
os.setxattr('@HOME@/victim.txt',b'user.tir',b'1'); print('ESCAPED set')
