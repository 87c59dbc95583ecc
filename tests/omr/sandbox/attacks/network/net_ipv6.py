# MUST NOT: reach anything by IPv6, TCP or a resolver
# CHECK: bare
import socket
for act in (lambda: socket.socket(socket.AF_INET6), lambda: socket.getaddrinfo('localhost',@PORT@)[0] and socket.create_server(('',0))):
    try: act(); print('ESCAPED'); break
    except OSError as e: print(e)
