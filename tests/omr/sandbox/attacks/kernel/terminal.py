# MUST NOT: push characters into a terminal, or ask devices for anything unusual
# CHECK: -
import fcntl,errno
for number in (0x5412,0x540E,0x541D,0x541C,0x5423,0x5452,0x8901,0x8902,0x40049409,0x6601):
    for fd in range(5):
        try: fcntl.ioctl(fd,number,b'x'*64); print('ESCAPED ioctl',hex(number))
        except OSError as e:
            if e.errno not in (errno.ENOTTY,errno.EPERM,errno.EBADF,errno.EACCES): print('ESCAPED',hex(number),e)
