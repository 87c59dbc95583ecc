# MUST NOT: close or replace its output streams
# CHECK: next:1+1
import sys,os
sys.stdout.close(); sys.stderr=None; os.close(1); os.close(2); os.close(4)
