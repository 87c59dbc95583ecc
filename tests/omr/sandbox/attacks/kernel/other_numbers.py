# MUST NOT: make system calls by the numbers of x32, which the filter must not overlook
# CHECK: next:1+1
import ctypes,os,platform
l=ctypes.CDLL(None,use_errno=True)
if platform.machine()=='x86_64' and l.syscall(0x40000000|39)>0: print('ESCAPED x32')
