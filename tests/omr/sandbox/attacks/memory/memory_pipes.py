# MUST NOT: hold memory in pipes and sockets, which no limit of memory counts
# CHECK: next:1+1
import os,socket
n=0; held=[]
try:
    for i in range(5000):
        r,w=os.pipe(); held.append((r,w)); os.set_blocking(w,False); n+=os.write(w,b'x'*65536)
except OSError as e: print(e)
print('ESCAPED held MB' if n>20_000_000 else 'held',n//10**6)
