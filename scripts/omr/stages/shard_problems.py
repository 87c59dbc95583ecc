"""The problems of one shard, beside rows of the stages after it: both in the order of the problems' file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from omr.errors import UserError
from omr.files.jsonl import Row, read_rows
from omr.stages.shards import shard_of


def shard_problems(path: Path, shard: int, shards: int) -> Iterator[Row]:
    """Stream the problems of a shard: id, problem, expected_answer (string or null), ...

    Raises UserError for a shard that does not exist.
    """
    if not 0 <= shard < shards:
        raise UserError(f"there is no shard {shard} of {shards}", remedy="shards are numbered from 0")
    for row in read_rows(path, {"id": str, "problem": str, "expected_answer": (str, None)}):
        if shard_of(row["id"], shards) == shard:
            yield row


class ProblemTexts:
    """Problems by id for rows that come in the order of the problems' file; holds one problem at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = read_rows(path, {"id": str, "problem": str})
        self._row: Row | None = None

    def text(self, problem_id: str) -> str:
        """The text of a problem. Raises UserError if the file has no such problem after the last one asked for."""
        while self._row is None or self._row["id"] != problem_id:
            self._row = next(self._rows, None)
            if self._row is None:
                raise UserError(
                    f"the problem {problem_id!r} is missing, or stands before one that was read already",
                    file=self._path,
                    remedy="the rows belong to another file of problems: make them anew",
                )
        text: str = self._row["problem"]
        return text
