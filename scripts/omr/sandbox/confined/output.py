"""What a session prints: the first characters are kept, all are counted, and no folder of this machine is named."""

from __future__ import annotations

import io
import os
import sys
import sysconfig
from typing import Any


def _installed_in() -> tuple[str, ...]:
    """The folders that Python, its packages and this project are installed in, the inner ones first."""
    found = {sysconfig.get_path(name) for name in ("purelib", "platlib", "platstdlib", "stdlib")}
    found.add(os.path.abspath(__file__).removesuffix("/omr/sandbox/confined/output.py"))
    if sys.prefix != sys.base_prefix:  # the base may be /usr, which names no machine
        found.add(sys.prefix)
    return tuple(sorted(found, key=lambda folder: (-len(folder), folder)))


_FOLDERS = _installed_in()
_LONGEST = max(map(len, _FOLDERS)) + 1


def without_folders(text: str) -> str:
    """The text with files of Python and its packages named from their folder on: the same on every machine."""
    for folder in _FOLDERS:
        text = text.replace(f"{folder}/", "").replace(folder, os.path.basename(folder))
    return text


def clean(text: str) -> str:
    """The text with lone surrogates spelled out: JSON and UTF-8 know none."""
    return text.encode("utf-8", "backslashreplace").decode()


class Capped(io.TextIOBase):
    """A text stream that shows `limit` characters. It stays the same object for all calls: loggers hold on to it."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keep = limit + _LONGEST
        self.buffer = _Bytes(self)
        self.reset()

    def reset(self) -> None:
        self._parts: list[str] = []
        self._kept = 0
        self._total = 0

    def writable(self) -> bool:
        return True

    def reconfigure(self, **_words: object) -> None:
        """Scripts ask for UTF-8 or for flushing lines: it is so already."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._total += len(text)
        if self._kept < self._keep:
            piece = text[: self._keep - self._kept]
            self._parts.append(piece)
            self._kept += len(piece)
        return len(text)

    def told(self) -> tuple[str, int]:
        """What is shown, and how many characters there were."""
        kept = "".join(self._parts)
        text = without_folders(kept)
        total = self._total - (len(kept) - len(text))
        if self._total > self._kept:  # its end may be the beginning of a folder
            text = text[:-_LONGEST]
        return clean(text)[: self._limit], total


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`: bytes are read as UTF-8."""

    def __init__(self, text: Capped) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._text.write(data.decode(errors="replace"))
        return len(data)
