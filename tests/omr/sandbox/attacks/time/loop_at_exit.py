# MUST NOT: keep its interpreter from ending
# CHECK: left next:1+1
import atexit,signal
def h():
    while True: pass
atexit.register(h)
signal.signal(signal.SIGTERM,signal.SIG_IGN)
raise SystemExit
