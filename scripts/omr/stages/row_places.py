"""Where the rows of a file lie: a job that has a share of them reads these and no others.

Beside rows with long texts, of which each of many jobs takes some by their ids, lies a file of places: the rows' number
of bytes, and for each row a hash of its id and where it begins; 16 bytes a row. It depends on the rows alone, so the
number of jobs may change.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from omr.errors import UserError
from omr.files.jsonl import ID_FIRST, AtomicFile, Row, dumps, missing_or_mistyped, open_for_reading, parse_row
from omr.stages.shards import hash_of, shard_of

_REMEDY = "delete this file and run again: the workflow makes it anew from its inputs"
#: Rows so near to each other are read at once: the system reads whole pages anyway.
_GAP_BYTES = 1 << 12
_MOST_BYTES = 1 << 20


class Place(NamedTuple):
    """Where a row lies in its file, in bytes."""

    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


class PlacedRows:
    """A file of rows and that of their places, as the output of a stage; both appear when they are whole."""

    def __init__(self, path: Path, places: Path) -> None:
        self.path = path
        self._rows, self._places = AtomicFile(path), AtomicFile(places)
        self._words = array("Q")
        self._bytes = 0

    def write_row(self, row: Mapping[str, Any]) -> None:
        """Write a row, which has an `id`."""
        line = dumps(row)
        self._rows.write(line)
        self._words.extend((hash_of(row["id"]), self._bytes))
        self._bytes += len(line)

    def commit(self) -> None:
        """Make both appear."""
        for words in (array("Q", [self._bytes]), self._words):
            self._places.write(_little_endian(words).tobytes())
        self._places.commit()
        self._rows.commit()

    def discard(self) -> None:
        """Remove what was written so far; harmless after a commit."""
        self._places.discard()
        self._rows.discard()


def _little_endian(words: array[int]) -> array[int]:
    if sys.byteorder == "big":
        words.byteswap()
    return words


class OwnRows:
    """The rows of one shard of a file, by their ids; `places` is what was written with the file, if there is one.

    Without it every line is read, and those of others are not parsed. `bytes_read` grows with what is read. Raises
    UserError, with the file, for what is no row with a string `id`, and for places of other rows.
    """

    def __init__(self, path: Path, shard: int = 0, shards: int = 1, places: Path | None = None) -> None:
        self._path, self._shard, self._shards, self._places = path, shard, shards, places
        self.bytes_read = 0

    def all(self) -> Iterator[tuple[Place, Row]]:
        """All of them, in the order of the file, with their places."""
        return self._among_all() if self._places is None else self._at(self._own(self._places))

    def at(self, places: Iterable[Place]) -> Iterator[Row]:
        """The rows at some of the places that `all` told, in their order."""
        return (row for _, row in self._at(places))

    def line_of(self, place: Place) -> int:
        """The number of a row's line; for faults, since it reads all that stands before.

        Of a place within a line, as those of other rows may be, the next one's, or the last.
        """
        last = 0
        with open_for_reading(self._path) as handle:
            for last, line in enumerate(handle, 1):
                if handle.tell() - len(line) >= place.start:
                    return last
        return last

    def _among_all(self) -> Iterator[tuple[Place, Row]]:
        start = 0
        with open_for_reading(self._path) as handle:
            for line in handle:
                place = Place(start, len(line))
                start = place.end
                self.bytes_read += len(line)
                if self._shards > 1 and (head := ID_FIRST.match(line)) is not None and not self._owns(head[1].decode()):
                    continue
                row = self._parsed(line, place)
                if self._owns(row["id"]):
                    yield place, row

    def _owns(self, row_id: str) -> bool:
        return self._shards == 1 or shard_of(row_id, self._shards) == self._shard

    def _parsed(self, line: bytes, place: Place) -> Row:
        row, fault = parse_row(line)
        if row is None or type(row.get("id")) is not str:
            fault = fault or missing_or_mistyped(row or {}, {"id": str})
            raise UserError(fault or "unreadable", file=self._path, line=self.line_of(place), remedy=_REMEDY)
        return row

    def _own(self, path: Path) -> Iterator[Place]:
        words = array("Q")
        with open_for_reading(path) as handle:
            content = handle.read()
        self.bytes_read += len(content)
        size = os.path.getsize(self._path)
        if len(content) % 16 != 8:
            raise UserError("it is no file of places", file=path, remedy=_REMEDY)
        words.frombytes(content)
        words = _little_endian(words)
        if words[0] != size:
            raise UserError(f"it has the places of other rows than those in {self._path}", file=path, remedy=_REMEDY)
        for at in range(1, len(words), 2):
            if words[at] % self._shards == self._shard:
                end = words[at + 3] if at + 3 < len(words) else size
                yield Place(words[at + 1], end - words[at + 1])

    def _at(self, places: Iterable[Place]) -> Iterator[tuple[Place, Row]]:
        with open_for_reading(self._path) as handle:
            descriptor = handle.fileno()
            if hasattr(os, "posix_fadvise"):
                # Nothing is read ahead: it would be rows of others.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            for group in _neighbours(places):
                start = group[0].start
                data = os.pread(descriptor, group[-1].end - start, start)
                self.bytes_read += len(data)
                for place in group:
                    line = data[place.start - start : place.end - start]
                    row = self._parsed(line, place)
                    if len(line) < place.length or not self._owns(row["id"]):
                        what = f"at byte {place.start} is another row than its places say"
                        raise UserError(what, file=self._path, remedy=_REMEDY)
                    yield place, row


def _neighbours(places: Iterable[Place]) -> Iterator[list[Place]]:
    """Places that are read at once."""
    group: list[Place] = []
    for place in places:
        if group and (place.start - group[-1].end > _GAP_BYTES or place.end - group[0].start > _MOST_BYTES):
            yield group
            group = []
        group.append(place)
    if group:
        yield group
