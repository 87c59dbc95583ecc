# MUST NOT: see the command line of the job
# CHECK: -
import glob,sys
print([open(p,'rb').read() for p in ['/proc/@PARENT@/cmdline']+glob.glob('/proc/1/cmdline')] and 'ESCAPED')
