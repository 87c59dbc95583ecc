# MUST NOT: ptrace a process of the same user
# CHECK: proc bare
import ctypes
l=ctypes.CDLL(None,use_errno=True)
print('ESCAPED attached' if l.ptrace(0x4206,@VICTIM@,0,0)==0 else ctypes.get_errno())
