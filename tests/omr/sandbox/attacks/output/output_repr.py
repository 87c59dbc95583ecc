# MUST NOT: a last expression whose repr is 300 MB
# CHECK: next:1+1
class A:
    def __repr__(self): return 'r'*300_000_000
A()
