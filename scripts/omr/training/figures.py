"""Figures of a dataset, counted while its rows pass by: memory does not grow with the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from omr.errors import UserError
from omr.files.jsonl import Row, open_for_reading

#: Columns whose values are counted.
COUNTED = ("problem_type", "answer_source", "judged_by", "generation_model", "inference_mode", "prompt_hash")
SHARES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)


class Histogram:
    """Whole numbers from 0 on, kept to a hundredth of their size."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self.total = 0

    def __len__(self) -> int:
        return self._bins.total()

    def add(self, value: int) -> None:
        self.total += value
        step = 10 ** max(len(str(value)) - 3, 0)
        self._bins[value // step * step] += 1

    @property
    def mean(self) -> float | None:
        return self.total / len(self) if self._bins else None

    def quantiles(self, shares: Sequence[float] = SHARES) -> list[int] | None:
        """The values below which these shares of the numbers lie; None of nothing."""
        if not self._bins:
            return None
        found: list[int] = []
        passed, values = 0, sorted(self._bins)
        bins = iter(values)
        value = next(bins)
        for share in shares:
            while passed + self._bins[value] < share * len(self) and value != values[-1]:
                passed += self._bins[value]
                value = next(bins)
            found.append(value)
        return found


class Figures:
    """What a dataset card says of the rows; those of one problem must stand together."""

    def __init__(self) -> None:
        self.rows = 0
        self.problems = 0
        self.values: dict[str, Counter[str]] = {column: Counter() for column in COUNTED}
        self.pass_rates: Counter[int] = Counter()  # problems, by tenths: 0 for [0, 0.1), ..., 9 for [0.9, 1), 10 for 1
        self.characters = Histogram()
        self.tokens = Histogram()
        self._problem_id: str | None = None

    def add(self, row: Row) -> None:
        self.rows += 1
        for column, counter in self.values.items():
            counter[str(row[column])] += 1
        self.characters.add(len(row["generated_solution"]))
        if row["completion_tokens"] is not None:
            self.tokens.add(row["completion_tokens"])
        if row["problem_id"] != self._problem_id:
            self._problem_id = row["problem_id"]
            self.problems += 1
            self.pass_rates[int(row["pass_rate"] * 10)] += 1


class StageSum(NamedTuple):
    """A stage's counts, summed over its shards."""

    stage: str
    read: int
    passed: int
    written: int
    dropped: Mapping[str, int]


def sum_stages(paths: Iterable[Path]) -> list[StageSum]:
    """The counts files of CPU stages, shards of a stage summed, stages in the order of the files.

    Raises UserError for a file that is no counts file.
    """
    numbers: dict[str, Counter[str]] = {}
    dropped: dict[str, Counter[str]] = {}
    for path in paths:
        counts = read_json(path)
        try:
            stage = counts["stage"]
            numbers.setdefault(stage, Counter()).update({key: counts[key] for key in ("read", "passed", "written")})
            dropped.setdefault(stage, Counter()).update(counts["dropped"])
        except (KeyError, TypeError) as error:
            raise UserError(f"not the counts of a stage ({error})", file=path, remedy="name counts files") from error
    return [
        StageSum(stage, of["read"], of["passed"], of["written"], dict(sorted(dropped[stage].items())))
        for stage, of in numbers.items()
    ]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises UserError for anything else."""
    with open_for_reading(path) as handle:
        try:
            content = orjson.loads(handle.read())
        except orjson.JSONDecodeError as error:
            raise UserError(f"unreadable JSON ({error})", file=path, remedy="delete this file and run again") from error
    if not isinstance(content, dict):
        raise UserError("a JSON object was expected", file=path, remedy="delete this file and run again")
    return content
