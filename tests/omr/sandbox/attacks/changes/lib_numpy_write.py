# MUST NOT: write the user's files through a library
# CHECK: file bare
import numpy as np
np.zeros(3).tofile('@HOME@/victim.txt')
