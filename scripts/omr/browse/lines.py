"""Lines of files of any size, by their places: of a line no more is held than its beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import orjson

from omr.files.jsonl import Row, parse_row

_BLOCK_BYTES = 1 << 20
#: An id as our writers put it first, of characters that need no escape.
_ID_FIRST = re.compile(rb'\{"id":"([ !#-\[\]-~]{1,300})"')
#: What a reply that failed begins with, which has no text.
_FAILED = re.compile(rb'\{"id":"[^"\\]*+","prompt":"[^"\\]*+","seed":[0-9]++,"key":"[^"\\]*+","text":null')
#: What rows are looked up by. The quotes make these byte sequences fields: inside a text they would be escaped.
_ID_FIELDS = (b'"id":"', b'"problem_id":"', b'"thread_id":"')
#: More ids than that in one row are those of other things (calls of tools, say): the row is read as a whole.
_MOST_IDS = 4


class Line(NamedTuple):
    """A line's place in bytes (`length` without the newline) and its first bytes."""

    offset: int
    length: int
    head: bytes

    @property
    def is_whole(self) -> bool:
        return len(self.head) == self.length


def scan(path: Path, start: int, cap: int, *, grows: bool = False) -> Iterator[Line]:
    """The lines of a file from the byte `start` on, each with its first `cap` bytes.

    Of a file that `grows`, a last line without a newline is still being written: it is left out.
    """
    offset, length, head = start, 0, b""
    with path.open("rb", buffering=0) as handle:
        handle.seek(start)
        while block := handle.read(_BLOCK_BYTES):
            position = 0
            while (end := block.find(b"\n", position)) >= 0:
                piece = head + block[position : min(end, position + cap - len(head))]
                length += end - position
                yield Line(offset, length, piece)
                offset, length, head, position = offset + length + 1, 0, b"", end + 1
            head += block[position : position + cap - len(head)]
            length += len(block) - position
    if length and not grows:
        yield Line(offset, length, head)


def hash_of(row_id: str) -> int:
    """What an id is looked up by: a signed number of 64 bits, as SQLite stores them."""
    return int.from_bytes(blake2b(row_id.encode(errors="surrogatepass"), digest_size=8).digest(), signed=True)


def first_id(head: bytes) -> str | None:
    """The id that a row starts with."""
    match = _ID_FIRST.match(head)
    return None if match is None else match[1].decode()


def has_failed(head: bytes) -> bool:
    """Whether a reply, by its beginning, stands for a request that failed for good."""
    return _FAILED.match(head) is not None


def ids_in(line: bytes) -> set[str]:
    """The values of `id`, `problem_id` and `thread_id` of a row, without parsing it where that can be had.

    Ids of objects inside the row may be among them: who looks a row up compares its own field.
    """
    found = set[str]()
    for field in _ID_FIELDS:
        position = line.find(field)
        while position >= 0:
            begin = position + len(field)
            end = line.find(b'"', begin)
            value = line[begin:end]
            if end < 0 or b"\\" in value or len(found) >= _MOST_IDS:
                return _parsed_ids(line)
            found.add(value.decode(errors="replace"))
            position = line.find(field, end)
    return found


def _parsed_ids(line: bytes) -> set[str]:
    row, _ = parse_row(line)
    values = ((row or {}).get(field) for field in ("id", "problem_id", "thread_id"))
    return {value for value in values if isinstance(value, str)}


def read_at(path: Path, offset: int, length: int) -> bytes:
    """The bytes of a place; fewer if the file has been cut meanwhile, none if it is gone."""
    try:
        with path.open("rb") as handle:
            handle.seek(offset)
            return handle.read(length)
    except FileNotFoundError:
        return b""


def rows_in(data: bytes) -> Iterator[tuple[int, bytes, Row | None]]:
    """(offset in `data`, line, row or None) of the lines of a piece of a file."""
    offset = 0
    for line in data.split(b"\n"):
        if line:
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                row = None
            yield offset, line, row if isinstance(row, dict) else None
        offset += len(line) + 1
