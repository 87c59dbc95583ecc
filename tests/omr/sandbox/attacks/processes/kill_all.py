# MUST NOT: signal all processes of the user, or its group
# CHECK: left next:1+1
import os,signal
for pid in (-1,0,1,-os.getpgrp()):
    try: os.kill(pid,signal.SIGCONT); print('ESCAPED signalled',pid); break
    except OSError as e: print(e)
