# MUST NOT: answer in place of the runner, with more than fits
# CHECK: next:1+1
import os,json
os.write(3,json.dumps({'n':1,'status':'ok','stdout':'F'*60000,'stderr':'','stdout_chars':-5,'stderr_chars':0}).encode())
