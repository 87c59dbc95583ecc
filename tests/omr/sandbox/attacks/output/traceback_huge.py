# MUST NOT: an error message of 100 MB in a chain of 300 errors
# CHECK: next:1+1
def f(n):
    try:
        if n==0: raise ValueError('m'*100_000_000)
        f(n-1)
    except Exception as e: raise RuntimeError(str(n)) from e
f(300)
