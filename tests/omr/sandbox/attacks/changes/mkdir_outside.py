# MUST NOT: make folders, pipes and sockets outside
# CHECK: file bare
import os
for act in (os.mkdir,os.mkfifo,lambda p: os.mknod(p)):
    try: act('@HOME@/made'); break
    except OSError as e: print(e)
