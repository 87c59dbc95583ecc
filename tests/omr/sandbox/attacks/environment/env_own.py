# MUST NOT: see the job's environment (API keys)
# CHECK: bare
import os
print({k:v for k,v in os.environ.items() if 'CANARY' in k})
