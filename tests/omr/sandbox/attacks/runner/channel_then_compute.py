# MUST NOT: answer in place of the runner and compute on, when its slot is another's already
# CHECK: idle
import os,json
os.write(3,json.dumps({'n':1,'status':'ok','stdout':'','stderr':'','stdout_chars':0,'stderr_chars':0}).encode())
while True: pass
