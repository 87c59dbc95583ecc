# MUST NOT: make a mount writable again, or take one away
# CHECK: -
import ctypes
l=ctypes.CDLL(None,use_errno=True)
print('ESCAPED' if l.mount(None,b'/',None,32|4096,None)==0 or l.umount2(b'/scratch/own',2)==0 or l.syscall(428,-100,b'/',1)>=0 or l.syscall(430,b'tmpfs',0)>=0 else ctypes.get_errno())
