# MUST NOT: write 500 MB to every descriptor (memory of the front)
# CHECK: next:1+1
import os
for fd in range(3,64):
    try:
        os.set_blocking(fd,False)
        for i in range(500): os.write(fd,b'A'*100_000)
    except OSError: pass
