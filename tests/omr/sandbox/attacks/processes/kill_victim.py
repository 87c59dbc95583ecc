# MUST NOT: kill another process of the user (the model server)
# CHECK: proc bare
import os
os.kill(@VICTIM@,9)
