# MUST NOT: compute on between calls by a timer of its own computing time
# CHECK: idle
import signal
def h(*a):
    while True: pass
signal.signal(signal.SIGVTALRM,h); signal.signal(signal.SIGPROF,h); signal.signal(signal.SIGALRM,h)
import ctypes
class I(ctypes.Structure): _fields_=[(n,ctypes.c_long) for n in 'abcd']
l=ctypes.CDLL(None)
import types,sys
sys.modules['signal'].setitimer.__self__
for f in (signal,): f.setitimer=lambda *a: None
l.setitimer(0,ctypes.byref(I(0,1000,0,300000)),None)
