"""Commands on a terminal, as people see them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(
    command: Sequence[str],
    folder: Path,
    columns: int = 80,
    lines: int = 24,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """(exit status, everything that was written to the terminal, codes that move and colour included)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    known = {**(os.environ if environment is None else environment), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=known, start_new_session=True
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # the last one that had the terminal open is gone
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    return process.wait(timeout=60), b"".join(parts).decode(errors="replace")


def plain(text: str) -> str:
    """What was written, without the codes."""
    return _CODES.sub("", text).replace("\r", "")
