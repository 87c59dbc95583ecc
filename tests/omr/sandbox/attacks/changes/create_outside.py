# MUST NOT: create files outside the scratch folder (dot files, .pth files, job scripts)
# CHECK: file bare
open('@HOME@/new.pth','w').write('import os'); print('ESCAPED created')
