# MUST NOT: one print of 300 MB
# CHECK: next:1+1
print('9'*300_000_000)
