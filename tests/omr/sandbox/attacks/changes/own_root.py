# MUST NOT: write into its own root folder, where nothing bounds it
# CHECK: -
import os
for d in ('/','/etc','/usr','/scratch','/dev','/proc','/usr/lib'):
    p=os.path.join(d,'tir-escape')
    try: open(p,'w').close(); os.remove(p); print('ESCAPED wrote',p); break
    except OSError: pass
