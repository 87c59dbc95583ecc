"""Rows of a run by their places in the index: what `omr.runs.lineage` asks for, without reading whole files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omr.browse.lines import hash_of, read_at, rows_in
from omr.browse.training import rows_from
from omr.files.jsonl import Row
from omr.stages.row_search import holds

#: Nothing longer is read at once: the rest of such rows cannot be shown.
MOST_BYTES = 64 << 20


class PlacedRow(dict[str, Any]):
    """A row that knows where it is: `path` in the run, and `offset` in bytes (of training rows: their number)."""

    def __init__(self, row: Row, path: str, offset: int) -> None:
        super().__init__(row)
        self.path, self.offset = path, offset


class IndexedSearch:
    """Finds rows of the run in `run` by its index. Training rows come with their texts, or with their ids only."""

    def __init__(self, db: sqlite3.Connection, run: Path, *, training_texts: bool = True) -> None:
        self._db = db
        self.run = run
        self._training_texts = training_texts

    def rows_with(self, path: Path, field: str, value: str) -> Iterator[Row]:
        name = path.relative_to(self.run).as_posix()
        for offset, length in self._places(name, hash_of(value)):
            yield from (row for row in self.rows_at(name, offset, length) if row.get(field) == value)

    def shard_files(self, folder: Path, sharded_by: str | None = None) -> list[Path]:
        name = folder.relative_to(self.run).as_posix()
        if self._db.execute("SELECT 1 FROM file WHERE path=?", (f"{name}.jsonl",)).fetchone():
            return [self.run / f"{name}.jsonl"]
        between = (f"{name}/", f"{name}0")  # the character behind a slash
        paths = self._db.execute("SELECT path FROM file WHERE path>? AND path<? ORDER BY path", between)
        shards = [self.run / path for (path,) in paths if path.startswith("shard-", len(name) + 1)]
        is_wanted = (sharded_by is None or holds(path.name.removesuffix(".journal"), sharded_by) for path in shards)
        return [path for path, wanted in zip(shards, is_wanted, strict=True) if wanted]

    def training_rows(self, folder: Path, problem: str, row_id: str) -> Iterator[tuple[Path, Row]]:
        name = folder.relative_to(self.run).as_posix()
        between = (f"{name}/", f"{name}0")
        paths = self._db.execute("SELECT path FROM file WHERE path>? AND path<? ORDER BY path", between).fetchall()
        for (path,) in paths:
            shard = (self.run / path).parent
            for number, _ in self._places(path, hash_of(row_id)) if holds(shard.name, problem) else ():
                rows = rows_from(self.run / path, number, 1) if self._training_texts else [{"id": row_id}]
                yield from ((shard, PlacedRow(row, path, number)) for row in rows if row.get("id") == row_id)

    def rows_at(self, path: str, offset: int, length: int) -> Iterator[PlacedRow]:
        """The rows of a place; what is no row there (a file that was made again) is left out."""
        data = read_at(self.run / path, offset, min(length, MOST_BYTES))
        for begin, _, row in rows_in(data):
            if row is not None:
                yield PlacedRow(row, path, offset + begin)

    def rows_of(self, path: str, key: int) -> list[PlacedRow]:
        """The rows of a file with an id, given as what it is looked up by."""
        return [row for place in self._places(path, key) for row in self.rows_at(path, *place)]

    def _places(self, path: str, key: int) -> list[tuple[int, int]]:
        query = "SELECT offset, length FROM place WHERE file=(SELECT no FROM file WHERE path=?) AND hash=?"
        return self._db.execute(query, (path, key)).fetchall()
