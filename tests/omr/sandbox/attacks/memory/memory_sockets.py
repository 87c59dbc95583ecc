# MUST NOT: hold memory in the buffers of sockets, which no limit of memory counts
# CHECK: next:1+1
import os,socket
n=0; held=[]
try:
    for i in range(5000):
        a,b=socket.socketpair(); held.append((a,b)); a.setblocking(False)
        try:
            while True: n+=os.write(a.fileno(),b'x'*4096)
        except BlockingIOError: pass
except OSError as e: print(e)
print('ESCAPED held MB' if n>20_000_000 else 'held',n//10**6)
