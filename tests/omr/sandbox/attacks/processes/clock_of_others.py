# MUST NOT: read how much another process has computed, and so that it exists
# CHECK: bare
import time
for pid in (@VICTIM@,@PARENT@):
    try: time.clock_gettime((~pid<<3)|2); print('ESCAPED saw',pid); break
    except OSError as e: print(e)
