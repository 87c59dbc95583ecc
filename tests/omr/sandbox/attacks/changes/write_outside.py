# MUST NOT: write to the user's files
# CHECK: file bare
open('@HOME@/victim.txt','a').write('changed')
