# MUST NOT: move a file of its own over one of the user's
# CHECK: file
import os
open('own.txt','w').write('changed')
os.replace('own.txt','@HOME@/victim.txt')
