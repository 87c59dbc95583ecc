# MUST NOT: reach the model server on loopback
# CHECK: net bare
import socket
s=socket.create_connection(('127.0.0.1',@PORT@),0.5); s.send(b'GET / HTTP/1.0\r\n\r\n'); print('ESCAPED',s.recv(20))
