# MUST NOT: hold memory that is mapped, filled and unmapped in secret (shared, huge, grown)
# CHECK: next:1+1
import mmap
held=[]
try:
    for i in range(100):
        m=mmap.mmap(-1,100_000_000); held.append(m)
        m[:]=b'x'*100_000_000
except (OSError,ValueError,MemoryError) as e: print(e)
print('ESCAPED held MB' if len(held)>20 else 'maps',len(held))
