# MUST NOT: the same in one array
# CHECK: next:1+1
import numpy as np
x=np.ones(500_000_000); print('ESCAPED held',x.nbytes)
