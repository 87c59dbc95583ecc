# MUST NOT: find variables of the job in the C library's copy
# CHECK: bare
import ctypes
environ=ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None),'environ')
i=0; found=[]
while environ and environ[i]: found.append(environ[i]); i+=1
print([word for word in found if b'CANARY' in word])
