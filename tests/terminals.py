"""Commands on a terminal, as people see them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

#: A command that has not let go of its terminal by then hangs, or something that it began has it open.
_MOST_S = 500.0
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(
    command: Sequence[str],
    folder: Path,
    columns: int = 80,
    lines: int = 24,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """(exit status, everything that was written to the terminal, codes that move and colour included).

    Raises AssertionError, with what was written and where its Python stood, if the terminal is open for too long.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    known = {
        **(os.environ if environment is None else environment),
        "TERM": "xterm-256color",
        "PYTHONFAULTHANDLER": "1",
    }
    process = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=known, start_new_session=True
    )
    os.close(theirs)
    until, parts, is_late = time.monotonic() + _MOST_S, [], False
    while True:
        if not select.select([ours], [], [], max(0.0, until - time.monotonic()))[0]:
            if is_late:
                break
            is_late, until = True, time.monotonic() + 10
            os.killpg(process.pid, signal.SIGABRT)  # its last words tell what it waited for
            continue
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # the last one that had the terminal open is gone
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    written = b"".join(parts).decode(errors="replace")
    assert not is_late, f"the terminal was not let go of; the exit status is {process.poll()}\n{written[-6000:]}"
    return process.wait(timeout=60), written


def plain(text: str) -> str:
    """What was written, without the codes."""
    return _CODES.sub("", text).replace("\r", "")
