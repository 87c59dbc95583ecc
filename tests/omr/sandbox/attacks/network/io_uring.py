# MUST NOT: do input and output past the filter of calls
# CHECK: -
import ctypes
l=ctypes.CDLL(None,use_errno=True)
p=ctypes.create_string_buffer(120)
print('ESCAPED ring' if l.syscall(425,8,p)>=0 else ctypes.get_errno())
