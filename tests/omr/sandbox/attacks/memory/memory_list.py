# MUST NOT: hold more than the memory limit in small pieces (bounded at 5 GB)
# CHECK: next:1+1
x=[]
for i in range(5000): x.append(bytes([i%256])*1_000_000)
print('ESCAPED held MB',len(x))
