"""How many bytes this process read of each file: what a stage reads is said in its counts.

What the page cache gives counts as well, and what is read ahead. Files that libraries open by themselves (Parquet) are
told by whoever has them read.
"""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

_read: Counter[str] = Counter()


class CountedFile(io.FileIO):
    """A file that counts what is read of it; for the buffer above it, which asks for much at a time."""

    def readinto(self, buffer: Any) -> int | None:
        number = super().readinto(buffer)
        _read[str(self.name)] += number or 0
        return number

    def readall(self) -> bytes:
        content = super().readall()
        _read[str(self.name)] += len(content)
        return content


def count(path: str | Path, number: int) -> None:
    """Count bytes that were read of a file by other means."""
    _read[str(path)] += number


def so_far() -> Counter[str]:
    """The bytes that were read, by file."""
    return Counter(_read)


def taken() -> Counter[str]:
    """The same, and counting begins anew: what a worker tells its parent after each item."""
    global _read
    given, _read = _read, Counter()
    return given


def add(read: Counter[str]) -> None:
    """Count what a worker told."""
    _read.update(read)
