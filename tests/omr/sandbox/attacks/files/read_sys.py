# MUST NOT: read what /sys tells about the machine
# CHECK: bare
for path in ('/sys/kernel/uevent_seqnum','/sys/devices/system/cpu/online','/proc/cpuinfo','/proc/net/tcp','/proc/mounts','/proc/self/cgroup','/proc/self/maps'):
    try: print('ESCAPED read',path,open(path).read()[:20]); break
    except OSError: pass
