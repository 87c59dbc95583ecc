# MUST NOT: write to descriptors 1 and 2 for ever
# CHECK: next:1+1
import os
while True:
    for fd in (1,2):
        try: os.write(fd,b'y'*10000)
        except OSError: pass
