# MUST NOT: print for ever
# CHECK: next:1+1
while True: print('x'*1000)
