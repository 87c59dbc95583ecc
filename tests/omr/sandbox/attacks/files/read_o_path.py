# MUST NOT: reach a file by a descriptor that was opened for its path alone
# CHECK: names bare
import os
fd=os.open('@HOME@',os.O_PATH)
print(os.read(os.open('secret.txt',os.O_RDONLY,dir_fd=fd),100))
