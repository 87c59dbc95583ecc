"""The walls around all sessions: another user where the job runs as root, and namespaces where the site allows them.

`enter` is called once, by the fork server, before it loads anything; the sessions' own walls are in `session`.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from dataclasses import dataclass

from omr.sandbox.confined import kernel, landlock, new_root

#: The user that a job of root's turns into. It owns nothing.
NOBODY = 65534
_ROOMS = kernel.NEW_MOUNTS | kernel.NEW_PIDS | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_HOSTNAME
_OUT_OF_MEMORY_FIRST = b"1000"
_SEARCH = os.R_OK | os.X_OK


@dataclass(frozen=True)
class Walls:
    """What stands: `landlock` (descriptor of the rules for sessions, or None), its `abi`, whether the root folder is a
    new one (`namespaces`), whether sessions get a folder of their own (`scratch`), and an open /proc."""

    namespaces: bool
    scratch: bool
    abi: int
    landlock: int | None
    proc: int


class NoWalls(Exception):  # noqa: N818  it is a fact about the machine
    """The machine does not offer what was asked for; the message says what."""


def enter(*, namespaces: bool, abi_at_most: int) -> Walls:
    """Put this process behind walls for good. With `namespaces` it goes on in a child, the first process of its own.

    Raises NoWalls where the machine offers neither a new root folder nor Landlock. An OSError of the kernel names the
    step that it refused.
    """
    proc = _high(os.open("/proc", os.O_RDONLY | os.O_DIRECTORY))
    _offer_to_die(proc)
    scratch = False
    readable = new_root.readable_paths()
    if namespaces:
        scratch = _enter_rooms(proc, readable)
    else:
        parent = os.getppid()
        if _is_real_root(proc) and _can_read(readable):
            become_nobody()
        kernel.drop_capabilities()
        kernel.die_with_parent(parent)  # the change of user has cleared it
    abi = min(landlock.kernel_abi(), abi_at_most)
    if not namespaces and abi == 0:
        raise NoWalls("this kernel has no Landlock")
    rules = None
    if abi:
        writable = ["/dev/null", new_root.SCRATCH_ABOVE] if scratch else ["/dev/null"]
        rules = _high(landlock.ruleset(abi, [*readable, *new_root.DEVICES], writable))
    return Walls(namespaces, scratch, abi, rules, proc)


def become_nobody() -> None:
    """Root turns into a user that owns nothing."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    kernel.set_dumpable(True)  # else its own files in /proc would still belong to root


def _high(fd: int) -> int:
    """The same descriptor with a number out of the way of those that sessions are given."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200)
    os.close(fd)
    return moved


def _offer_to_die(proc: int) -> None:
    """When memory runs out, the kernel shall end a session and not the job. Not all kernels let it be said."""
    try:
        fd = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=proc)
        try:
            os.write(fd, _OUT_OF_MEMORY_FIRST)
        finally:
            os.close(fd)
    except OSError as error:
        print(f"oom_score_adj: {error}", file=sys.stderr)


def _is_real_root(proc: int) -> bool:
    """Root, and not only in a namespace where no other user exists (there root is an ordinary user to the kernel)."""
    if os.geteuid() != 0:
        return False
    ranges = [tuple(int(word) for word in line.split()) for line in _own(proc, "uid_map").splitlines()]
    others_exist = any(first <= NOBODY < first + count for first, _, count in ranges)
    return others_exist and _own(proc, "setgroups").strip() == "allow"


def _own(proc: int, name: str) -> str:
    """A file of this process's in /proc."""
    with open(os.open(f"self/{name}", os.O_RDONLY, dir_fd=proc)) as file:
        return file.read()


def _can_read(paths: list[str]) -> bool:
    """Whether nobody could read them. (An environment below /root is root's alone: then only capabilities go.)"""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        return all(os.access(path, _SEARCH if os.path.isdir(path) else os.R_OK, effective_ids=True) for path in paths)
    finally:
        os.seteuid(0)
        os.setegid(0)
        kernel.set_dumpable(True)


def _enter_rooms(proc: int, readable: list[str]) -> bool:
    """Namespaces and a new root folder. Returns whether sessions can have a folder of their own."""
    uid, gid, real_root = os.geteuid(), os.getegid(), _is_real_root(proc)
    if real_root:
        try:
            kernel.unshare(_ROOMS)
        except OSError:  # root of a container, without the power to mount
            if not _can_read(readable):
                raise
            become_nobody()
            uid, gid, real_root = NOBODY, NOBODY, False
    if not real_root:
        try:
            kernel.unshare(_ROOMS | kernel.NEW_USERS)
            _map_user(proc, uid, gid)
        except OSError as error:
            raise NoWalls(f"the site lets this user make none ({error})") from error
    _go_on_in_child(drop=real_root)
    proc_self = os.open("self", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    kernel.set_hostname("sandbox")
    new_root.build(readable, proc_self)
    os.close(proc_self)
    new_root.leave_old()
    return _become_nobody_who_mounts(proc) if real_root else True


def _map_user(proc: int, uid: int, gid: int) -> None:
    """In the new user namespace this user keeps its own number, and is the only one."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        fd = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def _become_nobody_who_mounts(proc: int) -> bool:
    become_nobody()
    kernel.die_with_parent(0)  # the change of user has cleared it; the parent is outside the namespace
    try:
        kernel.unshare(kernel.NEW_USERS | kernel.NEW_MOUNTS)
        _map_user(proc, NOBODY, NOBODY)
    except OSError as error:
        print(f"no folders of their own for sessions: {error}", file=sys.stderr)
        return False
    return True


def _go_on_in_child(*, drop: bool) -> None:
    """Fork; the child is the first process of the new process namespace and goes on, the parent waits for its end."""
    pid = os.fork()
    if pid == 0:
        kernel.die_with_parent(0)
        return
    if drop:
        become_nobody()
    parent = os.getppid()
    kernel.die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.closerange(0, 100)  # the control socket above all: its end must be heard when the child dies
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
