# MUST NOT: open a listening port
# CHECK: net bare
import socket
s=socket.socket(); s.bind(('0.0.0.0',0)); s.listen(); print('ESCAPED listening',s.getsockname())
