# MUST NOT: open a file by its handle, past all paths
# CHECK: -
import ctypes,os
l=ctypes.CDLL(None,use_errno=True)
h=ctypes.create_string_buffer(136); ctypes.c_uint.from_buffer(h,0).value=128
m=ctypes.c_int()
if l.name_to_handle_at(-100,b'@HOME@/secret.txt',h,ctypes.byref(m),0)==0: print('ESCAPED handle')
