# MUST NOT: learn which processes there are
# CHECK: bare
import os
for f in (os.getpgid,os.getsid,os.sched_getaffinity,lambda p: os.getpriority(os.PRIO_PROCESS,p)):
    try: f(@PARENT@); print('ESCAPED saw',f); break
    except OSError as e: print(e)
