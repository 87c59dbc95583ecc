# MUST NOT: an endless loop in a thread-like generator chain of imports and finally
# CHECK: next:1+1
def f():
    while True:
        try:
            while True: yield 1
        finally: continue
for _ in f(): pass
