# MUST NOT: see the environment of any process of the same user through /proc
# CHECK: bare
import glob
for p in ['/proc/self/environ','/proc/@PARENT@/environ','/proc/1/environ']+glob.glob('/proc/[0-9]*/environ'):
    try:
        d=open(p,'rb').read()
        i=d.find(b'CANARY_KEY=')
        if i>=0: print(p,d[i:i+60]); break
    except OSError: pass
