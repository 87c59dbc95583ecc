# MUST NOT: open the memory of the parent or of siblings
# CHECK: bare
import os,glob
for p in [f'/proc/{os.getppid()}/mem']+[x for x in glob.glob('/proc/[0-9]*/mem') if x!=f'/proc/{os.getpid()}/mem']:
    try: open(p,'rb').close(); print('ESCAPED opened',p); break
    except OSError: pass
