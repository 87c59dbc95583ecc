# MUST NOT: connect to a Unix socket of the user (docker, agents, X11)
# CHECK: net bare
import socket
s=socket.socket(socket.AF_UNIX); s.connect('@HOME@/sock'); s.send(b'hit'); print('ESCAPED connected')
