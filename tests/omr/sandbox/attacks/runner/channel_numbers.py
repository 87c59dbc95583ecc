# MUST NOT: answer with numbers and kinds that no runner writes
# CHECK: next:1+1
import os
os.write(3,b'{"n":true,"status":"ok","stdout":["x"],"stderr":{},"stdout_chars":1e400,"stderr_chars":NaN}')
