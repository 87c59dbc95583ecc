# MUST NOT: the same by ioctl (FIOSETOWN, FIOASYNC)
# CHECK: proc
import fcntl,os,socket,struct
a,b=socket.socketpair()
fcntl.ioctl(a,0x8901,struct.pack('i',@VICTIM@)); fcntl.fcntl(a,10,9); fcntl.ioctl(a,0x5452,struct.pack('i',1)); os.write(b.fileno(),b'x')
