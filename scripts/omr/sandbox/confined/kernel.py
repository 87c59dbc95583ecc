"""The few calls of the kernel that Python's library lacks, by ctypes. Each raises OSError that names the call."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

libc = ctypes.CDLL(None, use_errno=True)

NEW_MOUNTS, NEW_HOSTNAME, NEW_IPC, NEW_USERS, NEW_PIDS, NEW_NET = (
    0x20000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = (1, 2, 4, 8, 32, 4096, 16384, 1 << 18)
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_PR_PDEATHSIG, _PR_DUMPABLE, _PR_NO_NEW_PRIVS = 1, 4, 38
_CAPABILITIES_V3 = 0x20080522


def checked(result: int, what: str) -> int:
    """The result of a C call; a negative one raises OSError with `what` before the kernel's word."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int, what: str) -> None:
    checked(libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), what)


def die_with_parent(parent: int) -> None:
    """SIGKILL when the thread that forked this process ends. A change of user clears it: call it after."""
    prctl(_PR_PDEATHSIG, 9, "the signal at the parent's death")
    if os.getppid() != parent:
        os._exit(1)  # it was too late


def set_dumpable(yes: bool) -> None:
    """Whether others of this user may look into this process, and whether its /proc files are its own."""
    prctl(_PR_DUMPABLE, int(yes), "dumpable")


def no_new_privileges() -> None:
    prctl(_PR_NO_NEW_PRIVS, 1, "no_new_privs")


def drop_capabilities() -> None:
    header, nothing = struct.pack("Ii", _CAPABILITIES_V3, 0), bytes(24)
    checked(libc.capset(header, nothing), "capset")


def unshare(flags: int) -> None:
    checked(libc.unshare(flags), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    result = libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])
    checked(result, f"mount of {kind or source or 'flags'} at {target}")


def detach(target: str) -> None:
    checked(libc.umount2(os.fsencode(target), _DETACH), f"umount of {target}")


def pivot_root(new: str, old: str) -> None:
    checked(libc.syscall(_PIVOT_ROOT[platform.machine()], os.fsencode(new), os.fsencode(old)), "pivot_root")


def set_hostname(name: str) -> None:
    checked(libc.sethostname(os.fsencode(name), len(name)), "sethostname")


def memory_pages(proc: int) -> tuple[int, int]:
    """This process's whole address space and its data, in bytes. `proc` is an open /proc."""
    fd = os.open("self/statm", os.O_RDONLY, dir_fd=proc)
    try:
        pages = os.read(fd, 200).split()
    finally:
        os.close(fd)
    return int(pages[0]) * os.sysconf("SC_PAGESIZE"), int(pages[5]) * os.sysconf("SC_PAGESIZE")
