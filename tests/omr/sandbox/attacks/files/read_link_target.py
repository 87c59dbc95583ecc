# MUST NOT: learn where links of the machine point to
# CHECK: names bare
import os
print('SEEN-CANARY-NAME' if 'CANARY' in os.readlink('@HOME@/link') else '')
