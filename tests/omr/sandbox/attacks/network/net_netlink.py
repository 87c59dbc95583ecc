# MUST NOT: talk to the kernel's network tables
# CHECK: bare
import socket
s=socket.socket(socket.AF_NETLINK,socket.SOCK_RAW,0); s.bind((0,0)); print('ESCAPED netlink')
