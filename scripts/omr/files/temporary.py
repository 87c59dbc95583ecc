"""Files and folders that are written beside their place and renamed into it, and what killed writers left of them."""

from __future__ import annotations

import os
import re
import shutil
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_WRITTEN_BY = re.compile(r"\..+\.(?P<host>[^.]*)\.(?P<process>\d+)\.tmp")
#: No writer of another machine is silent for so long.
_SURELY_DEAD_S = 24 * 3600.0


def temporary_beside(path: Path) -> Path:
    """Where this process writes a file or folder that is to appear at `path`."""
    return path.with_name(f".{path.name}.{_host()}.{os.getpid()}.tmp")


def clear_temporary(folders: Iterable[Path], names: str = "*") -> int:
    """Remove what killed writers left in these folders; how many files and folders that were.

    `names` is a pattern: only those of what was to appear under such a name.
    On this machine a writer is dead when its process is; one of another machine, when nothing it wrote there is younger
    than a day.
    """
    removed = 0
    for folder in set(folders):
        for path in folder.glob(f".{names}.*.tmp"):
            with suppress(FileNotFoundError):
                if _is_left(path):
                    remove_temporary(path)
                    removed += 1
    return removed


def remove_temporary(path: Path) -> None:
    """Remove a file, or as much of a folder as can be: another process may be at it too."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_left(path: Path) -> bool:
    named = _WRITTEN_BY.fullmatch(path.name)
    if named is None:
        return False
    if named["host"] == _host():
        return not _is_running(int(named["process"]))
    youngest = max(found.stat().st_mtime for found in (path, *path.rglob("*")))
    return time.time() - youngest > _SURELY_DEAD_S


def _host() -> str:
    """The machine's name as a part of a file's name, which dots separate."""
    return socket.gethostname().partition(".")[0]


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
