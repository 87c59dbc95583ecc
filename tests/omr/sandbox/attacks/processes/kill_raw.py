# MUST NOT: the same by raw system calls (tkill, pidfd, rt_sigqueueinfo)
# CHECK: proc bare
import ctypes
l=ctypes.CDLL(None,use_errno=True)
print(l.syscall(200,@VICTIM@,9)); fd=l.syscall(434,@VICTIM@,0)
if fd>=0: print(l.syscall(424,fd,9,None,0))
i=ctypes.create_string_buffer(128); ctypes.c_int.from_buffer(i,0).value=9; ctypes.c_int.from_buffer(i,8).value=-1
print(l.syscall(129,@VICTIM@,9,i))
