# MUST NOT: make system calls by the 32-bit gate
# CHECK: next:1+1
import ctypes,mmap,platform
if platform.machine()=='x86_64':
    m=mmap.mmap(-1,4096,prot=7)
    m.write(bytes.fromhex('53b814000000cd805bc3'))  # getpid there
    f=ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
    r=f()
    if r>0: print('ESCAPED 32 bit',r)
