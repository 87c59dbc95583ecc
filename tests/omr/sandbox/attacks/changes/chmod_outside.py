# MUST NOT: change a mode (Landlock does not cover it)
# CHECK: file bare
import os
try: os.chmod('@HOME@/victim.txt',0)
finally: os.chmod(os.open('@HOME@/victim.txt',os.O_RDONLY),0o777)
