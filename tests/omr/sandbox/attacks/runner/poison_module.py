# MUST NOT: change a module that another session would import
# CHECK: fresh:str(__import__('math').sqrt(4))=2.0
import math,sys,numpy,sympy
math.sqrt=lambda x: 'POISONED'
sympy.solve=numpy.sqrt=None
del sys.modules['json']
