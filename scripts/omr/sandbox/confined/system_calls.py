"""The system calls that a session may make, by number, for the two machines that sandboxes run on.

Numbers: the kernel's own tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h). A call
that is not here is refused. Left out on purpose, by kind: what starts processes or threads or programs; sockets;
mounts, namespaces, other roots; ptrace, memory and descriptors of others; what changes modes, owners, times or
attributes, and truncates or links by path (Landlock covers none or not all of it); memory that no limit counts (memfd,
SysV, huge pages); locks on files, which sessions could meet at; prctl, keys, bpf, io_uring, perf, userfaultfd, inotify,
fanotify, handles, splice, timers of the kernel's own, priorities, clocks, modules, and all that only root may do.
"""

from __future__ import annotations

from typing import NamedTuple

X86_64: dict[str, int] = {
    # files
    "read": 0, "write": 1, "readv": 19, "writev": 20, "pread64": 17, "pwrite64": 18, "close": 3, "close_range": 436,
    "lseek": 8, "open": 2, "openat": 257, "stat": 4, "lstat": 6, "fstat": 5, "newfstatat": 262, "statx": 332,
    "access": 21, "faccessat": 269, "faccessat2": 439, "readlink": 89, "readlinkat": 267, "getcwd": 79, "chdir": 80,
    "fchdir": 81, "getdents64": 217, "getdents": 78, "dup": 32, "dup2": 33, "dup3": 292, "ftruncate": 77, "fsync": 74,
    "fdatasync": 75, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "unlink": 87, "unlinkat": 263, "rename": 82,
    "renameat": 264, "renameat2": 316, "fadvise64": 221, "sendfile": 40, "umask": 95, "fcntl": 72, "ioctl": 16,
    # waiting
    "pipe": 22, "pipe2": 293, "poll": 7, "ppoll": 271, "select": 23, "pselect6": 270, "epoll_create1": 291,
    "epoll_ctl": 233, "epoll_wait": 232, "epoll_pwait": 281, "socketpair": 53, "futex": 202,
    # memory
    "mmap": 9, "munmap": 11, "mremap": 25, "mprotect": 10, "madvise": 28, "brk": 12,
    # time
    "clock_gettime": 228, "clock_getres": 229, "gettimeofday": 96, "time": 201, "nanosleep": 35, "clock_nanosleep": 230,
    "times": 100, "getitimer": 36, "setitimer": 38, "alarm": 37,
    # the process itself
    "getpid": 39, "getppid": 110, "gettid": 186, "getuid": 102, "geteuid": 107, "getgid": 104, "getegid": 108,
    "getresuid": 118, "getresgid": 120, "getpgrp": 111, "getpgid": 121, "getsid": 124, "getgroups": 115, "uname": 63,
    "sysinfo": 99, "getrusage": 98, "getrlimit": 97, "prlimit64": 302, "sched_getaffinity": 204, "sched_yield": 24,
    "getcpu": 309, "getrandom": 318, "exit": 60, "exit_group": 231, "wait4": 61, "clone3": 435,
    # signals to itself
    "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
    "rt_sigsuspend": 130, "rt_sigpending": 127, "rt_sigtimedwait": 128, "sigaltstack": 131, "pause": 34,
    "restart_syscall": 219,
}  # fmt: skip

AARCH64: dict[str, int] = {
    # files
    "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "pwrite64": 68, "close": 57, "close_range": 436,
    "lseek": 62, "openat": 56, "fstat": 80, "newfstatat": 79, "statx": 291, "faccessat": 48, "faccessat2": 439,
    "readlinkat": 78, "getcwd": 17, "chdir": 49, "fchdir": 50, "getdents64": 61, "dup": 23, "dup3": 24, "ftruncate": 46,
    "fsync": 82, "fdatasync": 83, "mkdirat": 34, "unlinkat": 35, "renameat": 38, "renameat2": 276, "fadvise64": 223,
    "sendfile": 71, "umask": 166, "fcntl": 25, "ioctl": 29,
    # waiting
    "pipe2": 59, "ppoll": 73, "pselect6": 72, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22,
    "socketpair": 199, "futex": 98,
    # memory
    "mmap": 222, "munmap": 215, "mremap": 216, "mprotect": 226, "madvise": 233, "brk": 214,
    # time
    "clock_gettime": 113, "clock_getres": 114, "gettimeofday": 169, "nanosleep": 101, "clock_nanosleep": 115,
    "times": 153, "getitimer": 102, "setitimer": 103,
    # the process itself
    "getpid": 172, "getppid": 173, "gettid": 178, "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177,
    "getresuid": 148, "getresgid": 150, "getpgid": 155, "getsid": 156, "getgroups": 158, "uname": 160, "sysinfo": 179,
    "getrusage": 165, "getrlimit": 163, "prlimit64": 261, "sched_getaffinity": 123, "sched_yield": 124, "getcpu": 168,
    "getrandom": 278, "exit": 93, "exit_group": 94, "wait4": 260, "clone3": 435,
    # signals to itself
    "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
    "rt_sigsuspend": 133, "rt_sigpending": 136, "rt_sigtimedwait": 137, "sigaltstack": 132, "restart_syscall": 128,
}  # fmt: skip

#: platform.machine() -> (the kernel's number of the architecture, its calls)
MACHINES: dict[str, tuple[int, dict[str, int]]] = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}


class Only(NamedTuple):
    """A call that is allowed for some values of one argument; otherwise it fails with `errno`. None stands for the
    session's own process id."""

    argument: int
    values: tuple[int | None, ...]
    errno: int = 1  # EPERM


_NOT_THERE = 38  # ENOSYS: the C library then tries the older call, which is refused
_AF_UNIX = 1
#: Its own clocks and the machine's, not those that name a process.
_CLOCKS = tuple(range(12))
#: Wait and wake, private or not, on either clock; not the kinds that lend priorities or move waiters.
_FUTEX = tuple(kind | flag for kind in (0, 1, 9, 10) for flag in (0, 128, 256, 384))
#: F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. F_SETOWN and F_SETSIG would send any signal to any
#: process of the user, F_SETPIPE_SZ and locks reach what others share.
_FCNTL = (0, 1, 2, 3, 4, 1030)
#: TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

#: Normal, random, sequential, will need, do not need, free, huge or not, dumped or not. Not those that merge pages of
#: processes or mark memory as broken.
_ADVICE = (0, 1, 2, 3, 4, 8, 14, 15, 16, 17)

#: Calls that are refused when one of these bits is set in an argument: huge pages are few and the machine's, and
#: count as nobody's memory; locked pages and stacks that grow are not needed.
NEVER: dict[str, tuple[int, int]] = {"mmap": (3, 0x40000 | 0x2000 | 0x100)}

CONDITIONS: dict[str, Only] = {
    "kill": Only(0, (None,)),
    "tkill": Only(0, (None,)),
    "tgkill": Only(0, (None,)),
    "getpgid": Only(0, (0, None)),
    "getsid": Only(0, (0, None)),
    "sched_getaffinity": Only(0, (0, None)),
    "prlimit64": Only(0, (0,)),
    "clock_gettime": Only(0, _CLOCKS, 22),
    "clock_getres": Only(0, _CLOCKS, 22),
    "clock_nanosleep": Only(0, _CLOCKS, 22),
    "futex": Only(1, _FUTEX),
    "fcntl": Only(1, _FCNTL),
    "madvise": Only(2, _ADVICE),
    "ioctl": Only(1, _IOCTL, 25),
    "socketpair": Only(0, (_AF_UNIX,)),  # asyncio.run() wakes itself by one
    "clone3": Only(0, (), _NOT_THERE),
}
