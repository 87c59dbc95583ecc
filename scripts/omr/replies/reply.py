"""Raw model replies, found by what they answer, never by position.

A reply is an object {"id", "prompt", "seed", "key", "text", "reasoning", "finish_reason", "usage", "error", "model",
"stated_model", "latency_s"}; `error` is null or {"kind", "status", "message"}, and then there is no text. `model` is
whose reply it is by config, `stated_model` the name in the server's answer, or null; `neutralised`, where there were
any, is how many control tokens of its row were sent as text. A solution that ran code has further fields, see
omr/replies/steps.py.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self, TypeVar

from omr.errors import UserError
from omr.files import bytes_read
from omr.files.hash_table import HashTable
from omr.files.jsonl import open_for_reading, parse_row

Reply = dict[str, Any]
Item = TypeVar("Item")

#: By so much the sample index `seed` of a request counts on each time it is asked again. So each try is a request of
#: its own everywhere (in the store, at the server, among authored replies), and needs no field more.
SEEDS_PER_TRY = 1_000_000
_TRY_DIGITS = len(str(SEEDS_PER_TRY))

#: Files are addressed by their number in the upper bits of a position: 65,536 files of up to 256 TiB.
_OFFSET_BITS = 48
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1
#: The first bytes of a line as our writer puts them, up to a key that no string can hide: what the reply answers is
#: known without parsing the rest. A name with escapes, or another order of keys, takes the slow way.
_HEAD = re.compile(rb'\{("id":"[^"\\]*+","prompt":"[^"\\]*+","seed":(0|[1-9][0-9]*+)),"key":"')
#: What every reply has.
REPLY_FIELDS = frozenset({"id", "prompt", "seed", "text", "finish_reason", "error"})
#: What is read ahead: held at once; read at once; of other rows read with it, since a jump would take longer. With half
#: of 32 solutions of 31 KB per problem wanted, and 512 requests that were in flight, a read of 0.6 MB then gets 7 of
#: them, and no more than the whole files once is read from the disk.
_AHEAD_BYTES, _READ_BYTES, _GAP_BYTES = 128 << 20, 8 << 20, 1 << 18
#: What an item takes that asks for no reply.
_ITEM_BYTES = 1 << 10
#: What helps where a line of replies cannot be read.
REMEDY = "delete this file and run again: finished replies are taken from its journal"


def request_name(row_id: str, prompt: str, seed: int) -> str:
    """What a reply answers, in one string; after the stage's name it is the request id that servers see."""
    return f"{row_id}/{prompt}/{seed}"


def _hash(row_id: str, prompt: str, seed: int) -> int:
    # The bytes that _HEAD finds.
    return hash(f'"id":"{row_id}","prompt":"{prompt}","seed":{seed}'.encode())


class Name(NamedTuple):
    """The request that a reply answers."""

    row_id: str
    prompt: str
    seed: int


class ReplyIndex:
    """Where each reply of a set of files lies: about 28 bytes a reply in memory, texts stay on the disk.

    The later of two replies to the same request counts. With `head_bytes`, only replies that begin in so many bytes of
    each file are known. Use as a context manager, or `close()`.
    """

    def __init__(self, paths: Iterable[str | Path], head_bytes: int | None = None) -> None:
        self._head_bytes = head_bytes
        self._paths = [Path(path) for path in paths]
        self._files: list[BinaryIO] = []
        self._descriptors: list[int] = []
        self._table = HashTable()
        self._positions = array("Q")
        self._ends: list[int] = []  # of the lines that are known of each file, as positions
        self.has_further_tries = False  # of any request
        for number, path in enumerate(self._paths):
            self._files.append(open_for_reading(path))
            self._descriptors.append(self._files[number].fileno())
            self._scan(number)

    def _scan(self, number: int) -> None:
        """Enter the replies of a file."""
        known = len(self)
        position = start = number << _OFFSET_BITS
        stop = _OFFSET_MASK if self._head_bytes is None else self._head_bytes
        add_hash, add_position, match = self._table.append, self._positions.append, _HEAD.match
        for line in self._files[number]:
            head = match(line)
            if head is not None and line.endswith(b"}\n"):
                add_hash(hash(head[1]))
                if len(head[2]) >= _TRY_DIGITS:
                    self.has_further_tries = True
            else:
                add_hash(self._hash_of_line(line, number, len(self) - known + 1))
            add_position(position)
            position += len(line)
            if position - start >= stop:
                break
        self._ends.append(position)

    def _hash_of_line(self, line: bytes, number: int, line_number: int) -> int:
        reply, fault = parse_row(line)
        if reply is None or not {"id", "prompt", "seed"} <= reply.keys():
            fault = fault or "not a reply: it has no id, prompt and seed"
            raise UserError(fault, file=self._paths[number], line=line_number, remedy=REMEDY)
        self.has_further_tries |= reply["seed"] >= SEEDS_PER_TRY
        return _hash(reply["id"], reply["prompt"], reply["seed"])

    def __len__(self) -> int:
        return len(self._positions)

    def get(self, row_id: str, prompt: str, seed: int = 0) -> Reply | None:
        """The reply to (row, prompt, seed), or None if there is none. Raises UserError for a line that is no reply."""
        for entry in reversed(self._table.find(_hash(row_id, prompt, seed))):
            reply = self._load(entry)
            # Equal hashes of different names are next to impossible, but then another entry is ours.
            if reply["id"] == row_id and reply["prompt"] == prompt and reply["seed"] == seed:
                return reply
        return None

    def ahead(
        self, items: Iterable[Item], names_of: Callable[[Item], Iterable[Name]]
    ) -> Iterator[tuple[Item, list[Reply | None]]]:
        """Items in their order, each with the replies to the requests that it names (None where there is none).

        Replies lie in the order in which they arrived, so those of a row's neighbours lie near each other in many
        files. They are read for many items at once, in the order of the files: on a shared file system, one long read
        takes as long as a short one. About `_AHEAD_BYTES` are held. Raises UserError as `get` does.
        """
        batch: list[tuple[Item, list[tuple[Name, int | None]]]] = []
        size = 0
        for item in items:
            wanted = [(name, self._entry_of(name)) for name in names_of(item)]
            batch.append((item, wanted))
            size += _ITEM_BYTES + sum(self._length(entry) for _, entry in wanted if entry is not None)
            if size >= _AHEAD_BYTES:
                yield from self._read(batch)
                batch, size = [], 0
        yield from self._read(batch)

    def _entry_of(self, name: Name) -> int | None:
        found = self._table.find(_hash(*name))
        return found[-1] if found else None

    def _length(self, entry: int) -> int:
        """Bytes of a reply's line: up to the next one's in its file."""
        position = self._positions[entry]
        end = self._ends[position >> _OFFSET_BITS]
        return min(self._positions[entry + 1], end) - position if entry + 1 < len(self) else end - position

    def _read(
        self, batch: Sequence[tuple[Item, Sequence[tuple[Name, int | None]]]]
    ) -> Iterator[tuple[Item, list[Reply | None]]]:
        lines = self._lines(sorted({entry for _, wanted in batch for _, entry in wanted if entry is not None}))
        for item, wanted in batch:
            yield item, [None if entry is None else self._named(name, entry, lines[entry]) for name, entry in wanted]

    def _named(self, name: Name, entry: int, line: bytes) -> Reply | None:
        reply = self._parsed(line, self._positions[entry])
        is_it = reply["id"] == name.row_id and reply["prompt"] == name.prompt and reply["seed"] == name.seed
        return reply if is_it else self.get(*name)

    def _lines(self, entries: Iterable[int]) -> dict[int, bytes]:
        """The lines of entries, which come in the order of the files."""
        lines: dict[int, bytes] = {}
        for group in self._neighbours(entries):
            start = self._positions[group[0]]
            end = self._positions[group[-1]] + self._length(group[-1])
            data = self._pread(start >> _OFFSET_BITS, end - start, start & _OFFSET_MASK)
            for entry in group:
                at = self._positions[entry] - start
                lines[entry] = data[at : at + self._length(entry)]
        return lines

    def _neighbours(self, entries: Iterable[int]) -> Iterator[list[int]]:
        """Entries that are read at once: of one file, near each other."""
        group: list[int] = []
        end = begin = 0
        for entry in entries:
            position = self._positions[entry]
            is_far = position - end > _GAP_BYTES or position - begin > _READ_BYTES
            if group and (is_far or position >> _OFFSET_BITS != begin >> _OFFSET_BITS):
                yield group
                group = []
            if not group:
                begin = position
            group.append(entry)
            end = position + self._length(entry)
        if group:
            yield group

    def _load(self, entry: int) -> Reply:
        # Not through the file's buffer: replies lie in the order in which they arrived, rows ask in their own, and
        # each jump would fill the whole buffer.
        position = self._positions[entry]
        line = self._pread(position >> _OFFSET_BITS, self._length(entry), position & _OFFSET_MASK)
        return self._parsed(line, position)

    def _parsed(self, line: bytes, position: int) -> Reply:
        number, offset = position >> _OFFSET_BITS, position & _OFFSET_MASK
        reply, fault = parse_row(line)
        if reply is None or not reply.keys() >= REPLY_FIELDS:
            fault = f"at byte {offset}: {fault or 'not a whole reply'}"
            raise UserError(fault, file=self._paths[number], remedy=REMEDY)
        return reply

    def _pread(self, number: int, size: int, offset: int) -> bytes:
        data = os.pread(self._descriptors[number], size, offset)
        bytes_read.count(self._paths[number], len(data))
        return data

    def close(self) -> None:
        for file in self._files:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def usable_text(reply: Reply | None) -> tuple[str, None] | tuple[None, str]:
    """The text of a whole reply, mended by omr.answers.damage, as (text, None), or (None, reason to drop its row).

    Reasons: `no_reply`, `request_failed_<kind>`, `unfinished_reply` (cut at the token limit), `empty_reply`.
    """
    if reply is None:
        return None, "no_reply"
    error = reply["error"]
    if error is not None:
        return None, f"request_failed_{error['kind']}"
    if reply["finish_reason"] != "stop":
        return None, "unfinished_reply"
    from omr.answers.damage import repaired_text  # jobs that only ask need none of it

    text = repaired_text(reply["text"] or "")
    if not text or text.isspace():
        return None, "empty_reply"
    return text, None
