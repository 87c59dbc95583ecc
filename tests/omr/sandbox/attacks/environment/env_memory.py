# MUST NOT: find the key in inherited memory (a fork of the job has it; a fresh exec has not)
# CHECK: bare
import re
pat=b'sk-can'+b'ary-'
out=[]
mem=open('/proc/self/mem','rb',0)
for l in open('/proc/self/maps'):
    m=re.match(r'(\w+)-(\w+) rw',l)
    if not m: continue
    a,b=int(m[1],16),int(m[2],16)
    try:
        mem.seek(a); d=mem.read(min(b-a,50_000_000))
    except (OSError,ValueError): continue
    for x in re.finditer(pat+b'[0-9a-f]{16}',d): out.append(x.group())
print(set(out))
