# MUST NOT: enlarge pipes beyond what a user may have, or lock files that sessions share
# CHECK: -
import fcntl,json,os
r,w=os.pipe()
for act in (lambda: fcntl.fcntl(r,1031,1<<20), lambda: fcntl.flock(open(json.__file__),fcntl.LOCK_EX), lambda: fcntl.lockf(open(json.__file__),fcntl.LOCK_SH)):
    try: act(); print('ESCAPED'); break
    except OSError as e: print(e)
