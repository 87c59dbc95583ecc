# MUST NOT: raise its own limits
# CHECK: next:1+1
import resource
for what in (resource.RLIMIT_AS,resource.RLIMIT_DATA,resource.RLIMIT_FSIZE,resource.RLIMIT_NOFILE,resource.RLIMIT_CPU,resource.RLIMIT_CORE):
    try: resource.setrlimit(what,(resource.RLIM_INFINITY,resource.RLIM_INFINITY)); print('ESCAPED raised',what)
    except (OSError,ValueError) as e: print(e)
