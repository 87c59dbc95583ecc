# MUST NOT: start another program
# CHECK: bare
import subprocess
print('ESCAPED',subprocess.run(['/usr/bin/env','echo','started'],capture_output=True,text=True).stdout)
