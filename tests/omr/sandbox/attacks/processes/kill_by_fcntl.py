# MUST NOT: have the kernel send a signal to another process when a pipe is ready (F_SETOWN, F_SETSIG)
# CHECK: proc bare
import fcntl,os
r,w=os.pipe()
fcntl.fcntl(r,fcntl.F_SETOWN,@VICTIM@); fcntl.fcntl(r,10,9)
fcntl.fcntl(r,fcntl.F_SETFL,os.O_ASYNC); os.write(w,b'x')
