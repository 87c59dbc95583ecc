"""Run one server and leave nothing of it behind, however it or its starter ends.

usage: supervise.py [--grace-s S] [--pid-file FILE] [--pass-lifeline] COMMAND [ARGUMENT...]

The server gets a session of its own. It is stopped (SIGTERM to its first process alone, because a server takes signals
to its workers for crashes; after the grace period SIGKILL to all that descends from it) on SIGTERM, SIGINT or SIGHUP,
and when standard input ends: the starter holds the other end of that pipe, so its death by SIGKILL is noticed too.
When the server's first process ends by itself, the rest is killed as well: workers that outlive it hold GPU memory.

Exit status: the server's (128 + n for signal n), and 1 instead of 0 if it ended without being told to. Needs nothing
but Python's own library; it is run apart from the package with `python -I -S`.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
#: A process that waits for a device cannot be killed; do not wait for it for ever.
_LAST_WAIT_S = 60.0


def supervise(
    command: Sequence[str], grace_s: float = 20.0, pid_file: str | None = None, pass_lifeline: bool = False
) -> int:
    """Run `command` until it ends or is to be stopped; see the module's text, also for the status that is returned.

    `pass_lifeline` gives it a standard input that ends when this process does (srun hands it on to other nodes).
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    told = _Told()
    try:
        server = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if pass_lifeline else subprocess.DEVNULL,
            start_new_session=True,
            # Should we be killed, the server's first process dies too. Safe: there is but one thread here.
            preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),  # noqa: PLW1509
        )
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return 127
    if pid_file is not None:
        with open(pid_file, "w") as file:
            file.write(str(server.pid))
    status = _kill_all(server.pid, _wait(server.pid, told, grace_s))
    server.returncode = status  # reaped here: Popen must not wait for it again
    if status == 0:
        return 0 if told.to_stop else 1
    return 128 - status if status < 0 else status


class _Told:
    """What signals and the end of standard input told us; `wait` sleeps until there is news."""

    def __init__(self) -> None:
        self.to_stop = False
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only so that it wakes us
        self._inputs = [self._wake, 0]

    def _stop(self, *_: object) -> None:
        self.to_stop = True

    def wait(self, timeout_s: float | None) -> None:
        ready, _, _ = select.select(self._inputs, [], [], timeout_s)
        if self._wake in ready:
            with suppress(BlockingIOError):
                os.read(self._wake, 4096)
        if 0 in ready and not _read_input():
            self._inputs = [self._wake]
            self.to_stop = True


def _read_input() -> bytes:
    try:
        return os.read(0, 4096)
    except OSError:
        return b""


def _wait(leader: int, told: _Told, grace_s: float) -> int | None:
    """Wait for the first process of the server; None if it outlived the grace period."""
    deadline: float | None = None
    while True:
        status = _reap(leader)
        if status is not None:
            return status
        if told.to_stop and deadline is None:
            os.kill(leader, signal.SIGTERM)
            deadline = time.monotonic() + grace_s
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return None
        told.wait(left)


def _reap(leader: int) -> int | None:
    """Reap whatever ended, orphans of the server too; the leader's return code once it did."""
    status = None
    with suppress(ChildProcessError):
        while True:
            pid, code = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == leader:
                status = os.waitstatus_to_exitcode(code)
    return status


def _kill_all(leader: int, status: int | None) -> int:
    """Kill what is left of the server; returns the leader's return code."""
    deadline = time.monotonic() + _LAST_WAIT_S
    while time.monotonic() < deadline:
        left = descendants(os.getpid())
        if not left and status is not None:
            return status
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
        ended = _reap(leader)
        status = status if ended is None else ended
    print(f"these processes could not be killed: {descendants(os.getpid())}", file=sys.stderr, flush=True)
    return -signal.SIGKILL if status is None else status


def descendants(ancestor: int) -> list[int]:
    """All processes that descend from one, those in other sessions too (as /proc lists them)."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (parent := _parent(name)) is not None:
            children.setdefault(parent, []).append(int(name))
    found, pending = [], [ancestor]
    while pending:
        found += (below := children.get(pending.pop(), []))
        pending += below
    return found


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The command's name, in parentheses, may itself hold blanks and parentheses.
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grace-s", type=float, default=20.0, help="seconds from SIGTERM to SIGKILL")
    parser.add_argument("--pid-file", help="file for the process id of the server, which is its group's too")
    parser.add_argument("--pass-lifeline", action="store_true", help="give the server an input that ends with us")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    args = parser.parse_args(argv)
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    return supervise(command, args.grace_s, args.pid_file, args.pass_lifeline)


if __name__ == "__main__":
    # At once: there is one of these for each server, and taking Python apart is an eighth of its CPU time.
    os._exit(main())
