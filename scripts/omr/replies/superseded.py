"""Replies that nobody asks for any more, put aside in `X.jsonl.superseded`: they were paid for, and who goes back to an
earlier prompt, model or temperature finds them again.

Kept because asking again costs far more than the disk: a thousand solutions of 31 KB take 31 MB. Each reply lies there
once, so the file is at most as large as all that was ever asked for its shard; nothing else reads it, and it may be
deleted, after which these requests would be asked again. Failed requests are not kept.

Whoever holds the lock of the store reads and writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from omr.files.jsonl import parse_row
from omr.replies.reply import Reply


class Superseded:
    """The replies put aside for one output. The file is read when it is first asked for a reply, or given some; memory:
    the keys, and where the lines lie."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[int, tuple[int, int]] | None = None  # of the lines: where they begin, and their bytes
        self.size = 0  # in bytes, as far as it was read and written

    def find(self, key: int) -> Reply | None:
        """The reply to a request, or None. Raises OSError."""
        place = self._read().get(key)
        if place is None:
            return None
        with self.path.open("rb") as handle:
            handle.seek(place[0])
            return parse_row(handle.read(place[1]))[0]

    def add(self, lines: Iterator[tuple[bytes, Reply]]) -> int:
        """Put whole lines of a journal aside, if they are not there; returns how many are new. Raises OSError."""
        places, handle = self._read(), None
        before = len(places)
        try:
            for line, reply in lines:
                key = int(reply["key"], 16)
                if reply["error"] is not None or key in places:
                    continue
                if handle is None:
                    handle = self.path.open("ab")
                    handle.truncate(self.size)  # half a line of a job that was killed
                handle.write(line)
                places[key] = self.size, len(line)
                self.size += len(line)
            if handle is not None:
                handle.flush()
                os.fsync(handle.fileno())
        finally:
            if handle is not None:
                handle.close()
        return len(places) - before

    def _read(self) -> dict[int, tuple[int, int]]:
        if self._places is not None:
            return self._places
        places, size = dict[int, tuple[int, int]](), 0
        if self.path.exists():
            with self.path.open("rb", buffering=1 << 20) as handle:
                for line in handle:
                    if not line.endswith(b"\n"):
                        break  # half a line of a job that was killed, which is written over
                    key = _key_of(line)
                    if key is not None:
                        places[key] = size, len(line)
                    size += len(line)
        # Only when all of it was read: whoever adds cuts off what is behind.
        self._places, self.size = places, size
        return places


def _key_of(line: bytes) -> int | None:
    """The key of a reply; None for a line that is none, which hides no other."""
    reply = parse_row(line)[0]
    try:
        return None if reply is None else int(reply["key"], 16)
    except (KeyError, TypeError, ValueError):
        return None
