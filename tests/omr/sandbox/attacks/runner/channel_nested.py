# MUST NOT: answer with what a reader of JSON chokes on
# CHECK: next:1+1
import os
os.write(3,b'['*100000)
