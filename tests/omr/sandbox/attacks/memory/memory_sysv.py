# MUST NOT: hold memory that outlives the session
# CHECK: -
import ctypes
l=ctypes.CDLL(None,use_errno=True)
print('ESCAPED shm' if l.shmget(0,1<<20,0o1666)>=0 else ctypes.get_errno())
