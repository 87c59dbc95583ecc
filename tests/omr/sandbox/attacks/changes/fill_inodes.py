# MUST NOT: create tens of thousands of files
# CHECK: bare
n=0
try:
    for i in range(20000): open(f'i{i}','w').close(); n+=1
except OSError as e: print(e)
print('ESCAPED files' if n>10000 else 'files',n)
