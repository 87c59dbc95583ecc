# MUST NOT: stop itself, so that no signal but one is heard
# CHECK: next:1+1
import os,signal
os.kill(os.getpid(),signal.SIGSTOP)
