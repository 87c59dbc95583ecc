# MUST NOT: reach the environment through a library's own eval
# CHECK: bare
import sympy
print(sympy.sympify("__import__('os').environ.get('CANARY_KEY')"))
