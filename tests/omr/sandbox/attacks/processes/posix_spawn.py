# MUST NOT: start a program in other ways (vfork, posix_spawn, execveat, memfd)
# CHECK: left bare
import ctypes,os
l=ctypes.CDLL(None,use_errno=True)
try: print('ESCAPED spawned',os.posix_spawn('/bin/true',['true'],{}))
except OSError as e: print(e)
if hasattr(os,'memfd_create'):
    try: print('ESCAPED memfd',os.memfd_create('x'))
    except OSError as e: print(e)
