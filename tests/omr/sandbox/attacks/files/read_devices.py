# MUST NOT: open devices of the machine
# CHECK: bare
import glob
for path in glob.glob('/dev/*')+['/dev/tty','/dev/mem','/dev/kmsg','/dev/ptmx','/dev/fuse','/dev/full','/dev/kvm']:
    if path in ('/dev/null','/dev/zero','/dev/urandom','/dev/stdin','/dev/stdout','/dev/stderr','/dev/fd','/dev/random'): continue
    try: open(path,'rb',0).close(); print('ESCAPED opened',path); break
    except OSError: pass
