# MUST NOT: shared anonymous memory, which RLIMIT_DATA does not count
# CHECK: next:1+1
import mmap
m=mmap.mmap(-1,4_000_000_000)
for i in range(0,4_000_000_000,4096): m[i]=1
print('ESCAPED held')
