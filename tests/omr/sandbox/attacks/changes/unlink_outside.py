# MUST NOT: remove or rename the user's files
# CHECK: file bare
import os
try: os.rename('@HOME@/victim.txt','@HOME@/gone.txt')
finally: os.remove('@HOME@/victim.txt')
