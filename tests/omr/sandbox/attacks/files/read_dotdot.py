# MUST NOT: climb out of the scratch folder by relative paths or an O_PATH descriptor
# CHECK: bare
import os
try: print(open('../'*12+'@HOME@/secret.txt').read())
except Exception as e: print(e)
fd=os.open('/',os.O_PATH); print(os.read(os.open('@HOME@/secret.txt'.lstrip('/'),os.O_RDONLY,dir_fd=fd),100))
