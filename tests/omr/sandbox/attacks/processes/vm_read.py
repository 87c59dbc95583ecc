# MUST NOT: read and write the memory of another process in one call
# CHECK: proc
import ctypes
l=ctypes.CDLL(None,use_errno=True)
b=ctypes.create_string_buffer(16)
class V(ctypes.Structure): _fields_=[('p',ctypes.c_void_p),('n',ctypes.c_size_t)]
for call in (310,311):
    v=V(ctypes.addressof(b),1)
    ctypes.set_errno(0); l.syscall(call,@VICTIM@,ctypes.byref(v),ctypes.c_ulong(1),ctypes.byref(v),ctypes.c_ulong(1),ctypes.c_ulong(0))
    print('ESCAPED' if ctypes.get_errno()==14 else ctypes.get_errno())
