"""What a session prints: the first characters are kept, all are counted."""

from __future__ import annotations

import io
from typing import Any


def clean(text: str) -> str:
    """The text with lone surrogates spelled out: JSON and UTF-8 know none."""
    return text.encode("utf-8", "backslashreplace").decode()


class Capped(io.TextIOBase):
    """A text stream that keeps `limit` characters. It stays the same object for all calls: loggers hold on to it."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.buffer = _Bytes(self)
        self.reset()

    def reset(self) -> None:
        self._parts: list[str] = []
        self._kept = 0
        self.total = 0

    def writable(self) -> bool:
        return True

    def reconfigure(self, **_words: object) -> None:
        """Scripts ask for UTF-8 or for flushing lines: it is so already."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.total += len(text)
        if self._kept < self._limit:
            piece = text[: self._limit - self._kept]
            self._parts.append(piece)
            self._kept += len(piece)
        return len(text)

    def text(self) -> str:
        return clean("".join(self._parts))[: self._limit]


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
