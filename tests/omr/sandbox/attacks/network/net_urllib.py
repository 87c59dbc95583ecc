# MUST NOT: reach it with urllib
# CHECK: net bare
import urllib.request
print('ESCAPED',urllib.request.urlopen('http://127.0.0.1:@PORT@/',timeout=0.5).read(20))
