# MUST NOT: take huge pages of the machine, which no limit of memory counts
# CHECK: next:1+1
import mmap
try:
    m=mmap.mmap(-1,1<<21,flags=0x40022); m[0]=1; print('ESCAPED huge')
except (OSError,ValueError) as e: print(e)
