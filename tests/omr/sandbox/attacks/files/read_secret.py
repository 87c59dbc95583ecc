# MUST NOT: read the user's files
# CHECK: bare
print(open('@HOME@/secret.txt').read())
