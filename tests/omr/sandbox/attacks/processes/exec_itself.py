# MUST NOT: turn into another program
# CHECK: next:1+1
import os
os.execv('/bin/echo',['echo','ESCAPED'])
