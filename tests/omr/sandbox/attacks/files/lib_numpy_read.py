# MUST NOT: read the user's files through a library (an interpreter that only checks the syntax tree cannot see it)
# CHECK: bare
import numpy as np
print(np.fromfile('@HOME@/secret.txt',dtype='S26'))
