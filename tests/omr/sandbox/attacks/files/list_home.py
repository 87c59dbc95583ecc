# MUST NOT: list folders outside
# CHECK: bare
import os
print('SEEN-CANARY-NAME' if 'secret.txt' in os.listdir('@HOME@') else '')
