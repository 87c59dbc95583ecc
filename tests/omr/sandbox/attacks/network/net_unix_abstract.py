# MUST NOT: connect to an abstract Unix socket (network namespaces and Landlock ABI 6 cover it, mount namespaces do not)
# CHECK: net bare
import socket
s=socket.socket(socket.AF_UNIX); s.connect('\0tir-abstract-@PORT@'); s.send(b'hit'); print('ESCAPED connected')
