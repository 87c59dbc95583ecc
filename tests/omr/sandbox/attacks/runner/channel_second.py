# MUST NOT: answer twice
# CHECK: next:1+1
import os,json
for i in range(2): os.write(3,json.dumps({'n':1,'status':'ok','stdout':'FORGED','stderr':'','stdout_chars':6,'stderr_chars':0}).encode())
import time
time.sleep(0.2)
