# MUST NOT: fork by the raw calls
# CHECK: left next:1+1 bare
import ctypes,os
l=ctypes.CDLL(None,use_errno=True)
for call,args in ((56,(17,0,0,0,0)),(57,()),(58,())):
    if call==58: continue
    pid=l.syscall(call,*args)
    if pid==0: os._exit(0)
    print('ESCAPED forked' if pid>0 else ctypes.get_errno())
