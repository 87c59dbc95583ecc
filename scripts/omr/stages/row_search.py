"""Rows of a run's files by an id, found by their bytes: a line is parsed only if it holds the id.

Files of shards that cannot hold the id are not opened: a shard's name says which rows it has.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from omr.files.jsonl import Row, parse_row
from omr.stages.shards import shard_of

_SHARD = re.compile(r"shard-(\d{3})-of-(\d{3})(?:\.jsonl)?")
_ID = re.compile(rb'^\{"id":"([^"\\\n]{1,200})"', re.M)


def lines_with(path: Path, needle: bytes) -> Iterator[bytes]:
    """The lines of a file that hold `needle`, in order; none of a file that is missing or empty."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = content.find(needle)
        while found >= 0:
            end = content.find(b"\n", found)
            end = len(content) if end < 0 else end
            yield content[content.rfind(b"\n", 0, found) + 1 : end]
            found = content.find(needle, end)


def rows_with(path: Path, field: str, value: str) -> Iterator[Row]:
    """The rows of a file whose `field` is `value`, which needs no escapes in JSON (ids never do)."""
    for line in lines_with(path, f'"{field}":"{value}"'.encode()):
        row, _ = parse_row(line)
        # The bytes may also stand inside a text, and a line may be torn.
        if row is not None and row.get(field) == value:
            yield row


def rows_about(path: Path, thing: str) -> list[Row]:
    """The rows of a file that name a thing by its id, or what is part of it: `<id>-...`, `<id>~...`. The file is read
    once."""
    if not path.is_file() or path.stat().st_size == 0:
        return []
    rows = []
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = 0
        for found in re.finditer(b'"' + re.escape(thing.encode()) + b'["~-]', content):
            if found.start() < end:
                continue  # the same line names it again
            end = content.find(b"\n", found.start())
            end = len(content) if end < 0 else end
            row, _ = parse_row(content[content.rfind(b"\n", 0, found.start()) + 1 : end])
            if row is not None:
                rows.append(row)
    return rows


def shard_files(folder: Path, sharded_by: str | None = None) -> list[Path]:
    """The JSONL files of a folder (or of `folder`.jsonl); with `sharded_by` only shards that the id falls into."""
    single = folder.with_name(f"{folder.name}.jsonl")
    if single.is_file():
        return [single]
    return [path for path in sorted(folder.glob("shard-*.jsonl")) if sharded_by is None or holds(path.name, sharded_by)]


def shard_folders(folder: Path, sharded_by: str) -> list[Path]:
    """The shards of a folder that are folders themselves, as far as the id falls into them."""
    return [path for path in sorted(folder.glob("shard-*")) if path.is_dir() and holds(path.name, sharded_by)]


def holds(name: str, row_id: str) -> bool:
    """Whether a file can have the rows of an id: all but shards (by their names) that it does not fall into."""
    shard = _SHARD.fullmatch(name)
    return shard is None or shard_of(row_id, int(shard[2])) == int(shard[1])


def ids_of(path: Path) -> Iterator[str]:
    """The ids that a file's rows start with, without parsing the rows."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for match in _ID.finditer(content):
            yield match[1].decode(errors="replace")


def nearest(wanted: str, known: Iterable[str], count: int = 5) -> list[str]:
    """The known ids that look most like the wanted one: few differing characters, or a long common beginning."""
    scored = ((_likeness(wanted, name), name) for name in known)
    best = sorted({entry for entry in scored if entry[0] >= len(wanted) / 2}, key=lambda entry: (-entry[0], entry[1]))
    return [name for _, name in best[:count]]


def _likeness(wanted: str, name: str) -> int:
    same = sum(a == b for a, b in zip(wanted, name, strict=False))
    # One character too many or too few shifts the rest: compare from the end as well.
    ending = sum(a == b for a, b in zip(reversed(wanted), reversed(name), strict=False))
    return max(same, ending) - abs(len(wanted) - len(name))
