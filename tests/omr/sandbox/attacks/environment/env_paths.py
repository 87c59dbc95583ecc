# MUST NOT: learn where the project lies on the machine from what the interpreter was started with
# CHECK: -
import sys
print('ESCAPED' if '@SCRIPTS@' in ' '.join([*sys.argv,*sys.orig_argv,*sys.path]) else '')
