# MUST NOT: read system files outside the interpreter's own
# CHECK: bare
print('ESCAPED' if 'root' in open('/etc/passwd').read() else '')
