# MUST NOT: change limits, priority or cores of another process of the user
# CHECK: proc bare
import os,resource
for f in (lambda: resource.prlimit(@VICTIM@,resource.RLIMIT_NOFILE,(5,5)), lambda: os.setpriority(os.PRIO_PROCESS,@VICTIM@,19), lambda: os.sched_setaffinity(@VICTIM@,{0})):
    try: f(); print('ESCAPED changed')
    except OSError as e: print(e)
