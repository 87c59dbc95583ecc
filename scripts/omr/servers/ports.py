"""Free TCP ports, kept apart among the jobs of one user on one node.

A port that `bind` finds free may be taken before the server binds it, minutes later. Against our own other jobs a lock
file per port helps (vLLM binds with SO_REUSEPORT: two servers on one port would silently share its requests); against
everybody else the launch is repeated with other ports.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_TRIES = 100
_MOST = 65_535


def port_number(text: str) -> int:
    """A port of a command line, as a type of argparse; 0 takes a free one."""
    if not text.isdecimal() or int(text) > _MOST:
        raise argparse.ArgumentTypeError(f"{text} is no port: name one from 1 to {_MOST}, or 0 for any free one")
    return int(text)


def _lock_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"omr-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


class Port:
    """A free port, reserved until `release` or the end of the process."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        """`host` is the address that the server will bind. Raises OSError if no port is free."""
        for _ in range(_TRIES):
            self.number = _free_port(host)
            self._lock = _lock(self.number)
            if self._lock is not None:
                return
        raise OSError(errno.EADDRINUSE, f"no free port on {host} in {_TRIES} tries")

    def keep_beyond_exec(self) -> None:
        """Let the program that this process becomes hold the reservation."""
        if self._lock is not None:
            os.set_inheritable(self._lock, True)

    def release(self) -> None:
        """Let others have the port; the lock file stays, because removing it would race with the next holder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Port:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        number: int = probe.getsockname()[1]
        return number


def _lock(number: int) -> int | None:
    """A descriptor that holds the lock of the port, or None if another job has it."""
    file = os.open(_lock_folder() / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    os.close(file)
    return None
