# MUST NOT: take back what binds it to its parent, or become readable again
# CHECK: -
import ctypes
l=ctypes.CDLL(None,use_errno=True)
for option,value in ((1,0),(4,1),(15,0),(23,0),(36,1),(53,1)):
    if l.prctl(option,value,0,0,0)==0: print('ESCAPED prctl',option)
