"""The pool of benchmark problems that the training data must not contain.

A benchmark file holds rows {"id": "<name>-<row>", "benchmark", "row", "problem"}. The whole pool is some 12,000 short
texts, so it is held in memory; problems of the training data never are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from omr.contamination.benchmark_text import normal_text
from omr.errors import UserError
from omr.files.jsonl import read_rows

#: Names stand in ids (`<problem id>~<name>-<row>~ab`) and in paths: no `~`, no `/`, no leading dot. Hyphens are fine,
#: since what follows the last one is the row.
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


class BenchmarkRow(NamedTuple):
    """One problem of a benchmark; `row` is its 0-based number in the benchmark's file."""

    benchmark: str
    row: int
    problem: str


def check_benchmark_name(name: str) -> None:
    """Raise UserError for a name that cannot stand in ids and paths."""
    if _NAME.fullmatch(name) is None:
        raise UserError(
            f"{name!r} cannot be the name of a benchmark",
            remedy="use lower-case letters, digits, `_`, `.` and `-`, and begin with a letter or a digit",
        )


class Pool:
    """All benchmark rows; those that differ in spelling only (MATH-500 is a part of MATH) are one text.

    Attributes: `rows`, in the order of the files; `texts`, the distinct problems; `members`, for each text the
    numbers of its rows in `rows`; `sizes`, rows by benchmark.
    """

    def __init__(self, paths: Iterable[str | Path]) -> None:
        self.rows: list[BenchmarkRow] = []
        self.texts: list[str] = []
        self.members: list[list[int]] = []
        self.sizes: dict[str, int] = {}
        self._place_of: dict[tuple[str, int], tuple[int, int]] = {}  # the number of its text, and its own
        by_spelling: dict[str, int] = {}
        for path in paths:
            for row in _read_benchmark(path, taken=self.sizes):
                self._add(row, by_spelling)

    def _add(self, row: BenchmarkRow, by_spelling: dict[str, int]) -> None:
        spelling = normal_text(row.problem) or row.problem
        text = by_spelling.setdefault(spelling, len(self.texts))
        if text == len(self.texts):
            self.texts.append(row.problem)
            self.members.append([])
        self.members[text].append(len(self.rows))
        self._place_of[row.benchmark, row.row] = (text, len(self.rows))
        self.sizes[row.benchmark] = self.sizes.get(row.benchmark, 0) + 1
        self.rows.append(row)

    def text_of(self, benchmark: str, row: int) -> int:
        """The number of a row's text in `texts`. Raises UserError for a row that no benchmark file has."""
        return self._place(benchmark, row)[0]

    def row(self, benchmark: str, row: int) -> BenchmarkRow:
        """The row of that number. Raises as `text_of` does."""
        return self.rows[self._place(benchmark, row)[1]]

    def _place(self, benchmark: str, row: int) -> tuple[int, int]:
        try:
            return self._place_of[benchmark, row]
        except KeyError:
            raise UserError(
                f"row {row} of the benchmark {benchmark!r} is in none of the benchmark files",
                remedy="search again with the same benchmark files: they have changed since",
            ) from None

    def rows_of(self, text: int) -> list[BenchmarkRow]:
        """The rows of one text, in the order of the files."""
        return [self.rows[number] for number in self.members[text]]


def _read_benchmark(path: str | Path, taken: dict[str, int]) -> list[BenchmarkRow]:
    """The rows of one file, which is one benchmark of at least one row."""
    fields = {"benchmark": str, "row": int, "problem": str}
    rows = [BenchmarkRow(row["benchmark"], row["row"], row["problem"]) for row in read_rows(path, fields)]
    if not rows:
        raise UserError(
            "this benchmark has no rows, so nothing would be checked against it",
            file=path,
            remedy="check its entry under `benchmarks` in config, or leave it out",
        )
    names = sorted({row.benchmark for row in rows})
    check_benchmark_name(names[0])
    if len(names) > 1 or names[0] in taken:
        raise UserError(f"two benchmarks share a file or a name: {', '.join(names)}", file=path, remedy="rename one")
    if len({row.row for row in rows}) < len(rows):
        raise UserError("two rows have the same number", file=path, remedy="delete this file and run again")
    return rows
