# MUST NOT: a number that fills memory and time
# CHECK: next:1+1
x=10**10**10
