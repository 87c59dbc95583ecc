# MUST NOT: change times (Landlock does not cover utime); Snakemake decides by them
# CHECK: file bare
import os
os.utime('@HOME@/victim.txt',(1,1))
