"""Ids that must be unique: two rows of one id would share their replies, and one of them the other's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from omr.errors import UserError
from omr.files.hash_table import HashTable
from omr.files.jsonl import Row


def unique_rows(rows: Iterable[Row], path: str | Path) -> Iterator[Row]:
    """Pass on the rows of the file at `path`. Raises UserError, with the line, for an id that occurred before.

    Two different ids are taken for one with a chance of 2^-64 per pair.
    """
    ids = HashTable()
    for number, row in enumerate(rows):
        earlier = ids.add(hash(row["id"]))
        if earlier != number:
            raise UserError(
                f"the id {row['id']!r} stands in line {earlier + 1} already",
                file=path,
                line=number + 1,
                remedy="ids must be unique: delete this file and run again, or mend what made it",
            )
        yield row
