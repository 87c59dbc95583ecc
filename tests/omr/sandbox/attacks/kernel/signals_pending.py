# MUST NOT: queue signals without end, which are counted for all of the user's processes
# CHECK: next:1+1
import os,signal
signal.pthread_sigmask(signal.SIG_BLOCK,range(34,65))
n=0
try:
    for i in range(10000): os.kill(os.getpid(),40); n+=1
except OSError as e: print(e)
print('ESCAPED queued' if n>=10000 and len(signal.sigpending())>1 else n)
