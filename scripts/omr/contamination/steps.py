"""What the steps of decontamination share: ids, the stream of problems and canaries, and files read in step with it.

A match file holds rows {"id", "benchmark", "row", "score"} in the order of the problems, as do the files made from it:
any number of them is read in step with the problems, and none is ever held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from omr.contamination.benchmarks import BenchmarkRow
from omr.errors import UserError
from omr.files.jsonl import Fields, Row, read_rows

CANARY_KINDS = ("verbatim", "paraphrased", "renumbered")
DIRECTIONS = ("ab", "ba")
_CANARY_PREFIX = "canary-"
_MATCH_FIELDS: Fields = {"benchmark": str, "row": int, "score": (float, int)}


class Match(NamedTuple):
    """A row of a match file, without the problem's id."""

    benchmark: str
    row: int
    score: float


def canary_id(kind: str, row: BenchmarkRow) -> str:
    """The id of a canary problem."""
    return f"{_CANARY_PREFIX}{kind}-{row.benchmark}-{row.row}"


def is_canary(problem_id: str) -> bool:
    """Whether an id is a canary's; problems of threads begin with the hex digits of a hash."""
    return problem_id.startswith(_CANARY_PREFIX)


def pair_id(problem_id: str, row: BenchmarkRow, direction: str) -> str:
    """The id of a question to the model: `ab` shows the problem first, `ba` the benchmark's row."""
    return f"{problem_id}~{row.benchmark}-{row.row}~{direction}"


def read_problems(problems: str | Path, canaries: str | Path | None) -> Iterator[Row]:
    """The problems, then the canaries: the one order in which every step of decontamination goes.

    Raises UserError for a problem whose id is a canary's, since it would be taken for one and be lost, and for two with
    one id, since the second would seem to match nothing.
    """
    last = None
    for row in read_rows(problems, {"id": str, "problem": str}):
        if is_canary(row["id"]) or row["id"] == last:
            what = "the id of a canary" if is_canary(row["id"]) else "the id of the problem before it"
            raise UserError(f"the problem {row['id']!r} has {what}", file=problems, remedy="make this file anew")
        last = row["id"]
        yield row
    fields = {"id": str, "problem": str, "kind": str, "benchmark": str, "row": int}
    for row in read_rows(canaries, fields) if canaries is not None else ():
        if not is_canary(row["id"]):
            raise UserError(f"{row['id']!r} is not the id of a canary", file=canaries, remedy="plant canaries anew")
        yield row


class RowsInStep:
    """The rows of a file that belong to each problem, taken in the order in which the problems go."""

    def __init__(self, path: str | Path, required: Fields, key: str = "id") -> None:
        self._path = path
        self._key = key
        self._rows = read_rows(path, {key: str} | dict(required))
        self._next: Row | None = next(self._rows, None)

    def take(self, problem_id: str) -> list[Row]:
        """The rows of the problem that is next in order; empty if it has none."""
        found = []
        while self._next is not None and self._next[self._key] == problem_id:
            found.append(self._next)
            self._next = next(self._rows, None)
        return found

    def finish(self) -> None:
        """Raise UserError if rows are left: they belong to other problems, and would be lost unseen."""
        if self._next is not None:
            raise UserError(
                f"a row of {self._next[self._key]!r}, which is not among the problems, or not at this place",
                file=self._path,
                remedy="delete this file and run again: it was made from other problems",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()


class MatchFiles:
    """The match files of several nets, by the nets' names, read in step. Use as a context manager."""

    def __init__(self, paths: Mapping[str, str | Path]) -> None:
        self._files = {net: RowsInStep(path, _MATCH_FIELDS) for net, path in paths.items()}

    def take(self, problem_id: str) -> dict[str, list[Match]]:
        """The matches of the next problem by net; nets without any are left out."""
        found = ((net, file.take(problem_id)) for net, file in self._files.items())
        return {
            net: [Match(row["benchmark"], row["row"], float(row["score"])) for row in rows]
            for net, rows in found
            if rows
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            for file in self._files.values():
                file.finish()


def positive(text: str) -> int:
    """The type of an argument that is a number from 1 on; argparse reports its ValueError."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def named_paths(items: Sequence[str]) -> dict[str, str]:
    """`NET=FILE` arguments as a mapping, in the order given. Raises UserError for another form or a net named twice."""
    paths: dict[str, str] = {}
    for item in items:
        net, separator, path = item.partition("=")
        if not separator or not net or not path or net in paths:
            raise UserError(f"--matches {item!r} is not NET=FILE, or names its net twice", remedy="e.g. tfidf=FILE")
        paths[net] = path
    return paths
