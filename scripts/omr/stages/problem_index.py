"""Problems of one shard by id, in any order; their texts stay on the disk."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from omr.errors import UserError
from omr.files.jsonl import Row, open_for_reading, parse_row
from omr.stages.shards import shard_of


class ProblemIndex:
    """Where each problem of a shard lies in decontaminated.jsonl: its id and a number in memory.

    Use as a context manager. Raises UserError for a shard that does not exist, and for an unreadable line.
    """

    def __init__(self, path: Path, shard: int, shards: int) -> None:
        if not 0 <= shard < shards:
            raise UserError(f"there is no shard {shard} of {shards}", remedy="shards are numbered from 0")
        self._path = path
        self._shard, self._shards = shard, shards
        self._file = open_for_reading(path)
        self._places: dict[str, int] = {}
        place = 0
        for number, line in enumerate(self._file, 1):
            problem_id = self._parse(line, number)["id"]
            if shard_of(problem_id, shards) == shard:
                self._places[problem_id] = place
            place += len(line)

    def _parse(self, line: bytes, number: int | None = None) -> Row:
        row, fault = parse_row(line)
        if row is None or not isinstance(row.get("id"), str) or not isinstance(row.get("problem"), str):
            fault = fault or "not a problem: it needs the strings `id` and `problem`"
            raise UserError(fault, file=self._path, line=number, remedy="delete this file and run again")
        return row

    def get(self, problem_id: str) -> Row | None:
        """The row of a problem, or None if the file has it not. Raises UserError for a problem of another shard."""
        place = self._places.get(problem_id)
        if place is None:
            if shard_of(problem_id, self._shards) != self._shard:
                what = f"the problem {problem_id!r} is none of shard {self._shard} of {self._shards}"
                raise UserError(what, remedy="name the rows and the number of one and the same shard")
            return None
        self._file.seek(place)
        return self._parse(self._file.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
