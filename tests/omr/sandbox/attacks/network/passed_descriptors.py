# MUST NOT: take descriptors from, or send them to, others by a socket pair
# CHECK: -
import socket
a,b=socket.socketpair()
socket.send_fds(a,[b'x'],[0]); print('ESCAPED sent')
