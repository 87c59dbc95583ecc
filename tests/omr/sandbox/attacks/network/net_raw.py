# MUST NOT: open raw, packet, vsock, or kernel-crypto sockets
# CHECK: bare
import socket
for f,t in ((socket.AF_PACKET,socket.SOCK_RAW),(socket.AF_INET,socket.SOCK_RAW),(40,socket.SOCK_STREAM),(38,socket.SOCK_SEQPACKET),(socket.AF_UNIX,socket.SOCK_DGRAM)):
    try: socket.socket(f,t,255 if f==2 else 0); print('ESCAPED socket',f); break
    except OSError as e: print(e)
