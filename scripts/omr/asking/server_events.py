"""Server-sent events, as the HTML standard describes their stream (section 9.2, "Server-sent events").

A stream may be cut into chunks at any byte. Lines end in CR, LF or both, a line that begins with a colon is a comment
(gateways send them to keep connections open), an event ends at an empty line, and what stands behind the last one of
these is no event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: How bodies begin that are such a stream, whatever their headers say.
_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")


class Event(NamedTuple):
    """The type of an event (`message` where the server names none) and its data."""

    kind: str
    data: bytes


def looks_like_events(content: bytes) -> bool:
    """Whether a body is a stream of events: no JSON begins so."""
    return content[:16].removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(_BEGINNINGS)


class EventParser:
    """Takes the bytes of a stream as they come, and gives the events that are complete."""

    def __init__(self) -> None:
        self._torn: list[bytes] = []  # of the last line, which is not at its end
        self._after_cr = False  # a LF that comes next belongs to the line's end
        self._is_first = True
        self._kind = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that end in this chunk."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return
        self._after_cr = chunk.endswith(b"\r")
        first, *others = _LINE_END.split(chunk)
        self._torn.append(first)
        for line in others:
            event = self._take(b"".join(self._torn))
            self._torn = [line]
            if event is not None:
                yield event

    def _take(self, line: bytes) -> Event | None:
        if self._is_first:
            line, self._is_first = line.removeprefix(_BYTE_ORDER_MARK), False
        if not line:
            return self._dispatched()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._kind = value
        return None

    def _dispatched(self) -> Event | None:
        kind, data = self._kind, self._data
        self._kind, self._data = b"", []
        return Event(kind.decode("utf-8", "replace") or "message", b"\n".join(data)) if data else None
