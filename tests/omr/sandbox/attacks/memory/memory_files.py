# MUST NOT: hold memory in files of its folder
# CHECK: next:1+1
import os
n=0
try:
    for i in range(100):
        fd=os.open(f'm{i}',os.O_CREAT|os.O_RDWR)
        for _ in range(64): n+=os.write(fd,b'x'*1_000_000)
except OSError as e: print(e)
print('ESCAPED held MB' if n>64_000_000 else 'held',n//10**6)
