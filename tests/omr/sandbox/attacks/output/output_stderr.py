# MUST NOT: an error output without end
# CHECK: next:1+1
import sys,warnings
while True: print('e'*100000,file=sys.stderr); sys.stdout.buffer.write(b'y'*1000000)
