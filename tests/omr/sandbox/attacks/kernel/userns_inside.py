# MUST NOT: get new namespaces and so a large part of the kernel
# CHECK: bare
import ctypes
l=ctypes.CDLL(None,use_errno=True); print('ESCAPED unshared' if l.unshare(0x10000000)==0 else ctypes.get_errno())
