# MUST NOT: start thousands of threads
# CHECK: bare
import threading,time
n=0
threading.stack_size(65536)
try:
    for i in range(3000): threading.Thread(target=time.sleep,args=(8,),daemon=True).start(); n+=1
except RuntimeError as e: print(e)
print('ESCAPED threads' if n>500 else 'threads',n)
