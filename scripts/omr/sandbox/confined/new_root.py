"""A root folder that holds the interpreter's own files, read-only, and nothing else of the machine."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

from omr.sandbox.confined import kernel

#: Where a session's own folder is mounted; Landlock's rule is on the folder above, the same for all sessions.
SCRATCH_ABOVE = "/scratch"
SCRATCH = f"{SCRATCH_ABOVE}/own"
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")
#: How /proc writes a space in a path.
_ESCAPED = re.compile(rb"\\([0-7]{3})")
_STAND = ("/tmp", "/var/tmp", "/mnt", "/proc")
#: Flags of a mount that a remount must repeat where an outer owner has fixed them: statvfs's bit -> mount's.
_FIXED = {8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}


def readable_paths() -> list[str]:
    """What an interpreter and its packages read: their own folders and the system's libraries."""
    paths = [os.path.join(prefix, name) for prefix in (sys.prefix, sys.base_prefix) for name in ("lib", "lib64")]
    found = {path for path in (*paths, os.path.join(sys.prefix, "pyvenv.cfg"), *_SYSTEM) if os.path.exists(path)}
    return sorted(path for path in found if not any(path.startswith(f"{other}/") for other in found))


def build(readable: list[str], proc_self: int) -> None:
    """Make it the root of this process's mount namespace. `proc_self`: this process's open folder in /proc.

    The old root is still there at /old (`leave_old` takes it away), so that devices and files can be bound from it.
    """
    real = {path: os.path.realpath(path) for path in readable}
    kernel.mount(None, "/", None, kernel.RECURSIVE | kernel.PRIVATE)
    stand = next(path for path in _STAND if os.path.isdir(path))
    kernel.mount("sandbox", stand, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, "size=1m,nr_inodes=4096,mode=755")
    os.chdir(stand)
    os.mkdir("old")
    kernel.pivot_root(".", "old")
    os.chdir("/")
    for path, source in real.items():
        _bind_read_only(f"/old{source}", path, proc_self)
    for path in DEVICES:
        _place(path, folder=False)
        kernel.mount(f"/old{path}", path, None, kernel.BIND)
    os.makedirs(SCRATCH)


def leave_old() -> None:
    """Take the machine's own files out of reach, and close the new root for writing."""
    kernel.detach("/old")
    os.rmdir("/old")
    flags = kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY | kernel.NO_SUID | kernel.NO_DEVICES
    kernel.mount(None, "/", None, flags)


def mount_scratch(size_mb: int) -> None:
    """A folder of this session's own, in memory, in a mount namespace of its own."""
    kernel.unshare(kernel.NEW_MOUNTS)
    _mount_folder(size_mb)
    os.chdir(SCRATCH)


@contextlib.contextmanager
def folder_while_loading(*, mounts: bool) -> Iterator[str]:
    """A folder that packages may write to while they are imported, gone afterwards."""
    if mounts:
        _mount_folder(16)
        yield SCRATCH
        kernel.detach(SCRATCH)
    elif os.path.isdir("/tmp"):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            yield folder
    else:
        yield "/"


def _mount_folder(size_mb: int) -> None:
    flags = kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC
    kernel.mount("scratch", SCRATCH, "tmpfs", flags, f"size={size_mb}m,nr_inodes=1000,mode=700")


def _place(path: str, *, folder: bool) -> None:
    """An empty folder or file to mount on."""
    os.makedirs(path if folder else os.path.dirname(path), mode=0o755, exist_ok=True)
    if not folder:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _bind_read_only(source: str, path: str, proc_self: int) -> None:
    _place(path, folder=os.path.isdir(source))
    kernel.mount(source, path, None, kernel.BIND | kernel.RECURSIVE)
    for point in _mounts_beneath(path, proc_self):
        fixed = os.statvfs(point).f_flag
        flags = kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY | kernel.NO_SUID | kernel.NO_DEVICES
        kernel.mount(None, point, None, flags | sum(to for bit, to in _FIXED.items() if fixed & bit))


def _character(escaped: re.Match[bytes]) -> bytes:
    return bytes([int(escaped[1], 8)])


def _mounts_beneath(path: str, proc_self: int) -> list[str]:
    fd = os.open("mountinfo", os.O_RDONLY, dir_fd=proc_self)
    with open(fd, "rb") as lines:
        points = [os.fsdecode(_ESCAPED.sub(_character, line.split()[4])) for line in lines]
    return [point for point in points if point == path or point.startswith(f"{path}/")]
