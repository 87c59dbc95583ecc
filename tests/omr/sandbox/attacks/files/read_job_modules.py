# MUST NOT: read the project's own files (prompts, results, configs beside the code)
# CHECK: bare
import os
for path in ('@SCRIPTS@','@SCRIPTS@/..'):
    try: print('ESCAPED listed',os.listdir(path)); break
    except OSError as e: print(e)
