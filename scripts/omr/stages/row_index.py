"""Rows of files by the id that they start with, in any order; their texts stay on the disk."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from omr.errors import UserError
from omr.files.hash_table import HashTable
from omr.files.jsonl import ID_FIRST, Fields, Row, missing_or_mistyped, open_for_reading, parse_row

#: Files are addressed by their number in the upper bits of a position: 65,536 files of up to 256 TiB.
_OFFSET_BITS = 48
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1
#: Rows of one id mostly stand together, so a read may hold several of them.
_BLOCK_BYTES = 1 << 16
_REMEDY = "delete this file and run again: the workflow makes it anew from its inputs"


class RowIndex:
    """Where the rows of each id lie in a set of files: about 28 bytes a row in memory.

    Only rows whose id is `wanted` are known; rows of other ids are not parsed. Use as a context manager. Raises
    UserError, with file and line, for a line that is no row with an id.
    """

    def __init__(self, paths: Sequence[Path], required: Fields, wanted: Callable[[str], bool] = lambda _: True) -> None:
        self._paths = paths
        self._required = required
        self._wanted = wanted
        self._table = HashTable()
        self._positions = array("Q")
        self._files: list[Any] = []
        for number, path in enumerate(paths):
            with open_for_reading(path) as file:
                self._scan(file, number)
            self._files.append(open_for_reading(path, _BLOCK_BYTES))

    def __len__(self) -> int:
        return len(self._positions)

    def _scan(self, file: Any, number: int) -> None:
        position = number << _OFFSET_BITS
        for line_number, line in enumerate(file, 1):
            head = ID_FIRST.match(line)
            row_id = head[1].decode() if head is not None else self._id_of(line, number, line_number)
            if self._wanted(row_id):
                self._table.append(hash(row_id))
                self._positions.append(position)
            position += len(line)

    def _id_of(self, line: bytes, number: int, line_number: int) -> str:
        row, fault = parse_row(line)
        if row is None or not isinstance(row.get("id"), str):
            fault = fault or "a row needs the string `id`"
            raise UserError(fault, file=self._paths[number], line=line_number, remedy=_REMEDY)
        found: str = row["id"]
        return found

    def get(self, row_id: str) -> list[Row]:
        """The rows with an id, in the order of the files. Raises UserError for one that lacks a field."""
        rows = (self._load(self._positions[entry]) for entry in self._table.find(hash(row_id)))
        return [row for row in rows if row["id"] == row_id]

    def _load(self, position: int) -> Row:
        number, offset = position >> _OFFSET_BITS, position & _OFFSET_MASK
        file = self._files[number]
        file.seek(offset)
        row, fault = parse_row(file.readline())
        fault = fault or missing_or_mistyped(row or {}, self._required)
        if row is None or fault is not None:
            raise UserError(f"at byte {offset}: {fault}", file=self._paths[number], remedy=_REMEDY)
        return row

    def close(self) -> None:
        for file in self._files:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
