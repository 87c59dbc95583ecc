# MUST NOT: take a descriptor out of another process
# CHECK: proc bare
import ctypes
l=ctypes.CDLL(None,use_errno=True)
fd=l.syscall(434,@VICTIM@,0)
if fd>=0: print('ESCAPED',l.syscall(438,fd,0,0))
