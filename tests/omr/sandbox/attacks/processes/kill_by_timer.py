# MUST NOT: have a timer of the kernel signal another process
# CHECK: proc
import ctypes
l=ctypes.CDLL(None,use_errno=True)
e=ctypes.create_string_buffer(64); t=ctypes.c_void_p()
ctypes.c_int.from_buffer(e,8).value=9; ctypes.c_int.from_buffer(e,12).value=4; ctypes.c_int.from_buffer(e,16).value=@VICTIM@
print('ESCAPED timer' if l.syscall(222,1,e,ctypes.byref(t))==0 else ctypes.get_errno())
