# MUST NOT: read or fill the user's keyring (tickets of network file systems lie there)
# CHECK: bare
import ctypes
l=ctypes.CDLL(None,use_errno=True)
if l.syscall(248,b'user',b'tir-canary',b'x',1,-3)>=0: print('ESCAPED added a key')
if l.syscall(250,0,-3,0)>=0: print('ESCAPED saw a keyring')
