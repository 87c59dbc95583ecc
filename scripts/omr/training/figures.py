"""Figures of training rows: counted in each shard's own job, added up by whoever wants those of a recipe.

`{recipe}/figures/shard-KKK-of-NNN.json` is one object; `read_figures` adds those of all shards. Its size does not grow
with the rows.

    rows, problems      numbers; the rows of a problem are all in one shard
    values              {column: {value: rows}} of the columns in `COUNTED`; `null` is what is unknown
    pass_rates          {tenth: problems}: 0 for [0, 0.1), ..., 9 for [0.9, 1), 10 for 1
    characters, tokens  a histogram each, {"total", "least", "greatest", "values": {length: rows}}, of
                        `generated_solution` and of `completion_tokens` where they are known; lengths are cut to half a
                        unit of their third digit, from which they can be rounded and cut to three digits alike
    reasoned            rows whose solution begins with reasoning in `<think>` tags
    samples             rows, without `messages`: those of the least hashes of their ids, up to `SAMPLES`
    dropped             {reason: [row, ...]}: of solutions that were dropped what omr/training/dropped_samples.py says,
                        chosen in the same way, up to `DROPPED_SAMPLES` for each reason
    solutions           of recipes that solve problems: of all judged solutions, see omr/solutions/solution_figures.py
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from omr.errors import UserError
from omr.files.jsonl import Row, open_for_reading
from omr.solutions.solution_figures import SolutionFigures

#: Columns whose values are counted.
COUNTED = (
    "problem_type",
    "answer_source",
    "judgement",
    "judged_by",
    "generation_model",
    "inference_mode",
    "prompt_hash",
)
SHARES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
SAMPLES, DROPPED_SAMPLES = 12, 3
#: What the text of a solution with reasoning begins with.
THINK_TAG = "<think>"
_LONG = frozenset({"messages"})


class Histogram:
    """Whole numbers from 0 on, cut to half a unit of their third digit; the least and the greatest as they are."""

    def __init__(self) -> None:
        self.bins: Counter[int] = Counter()
        self.total = 0
        self.least: int | None = None
        self.greatest: int | None = None

    def __len__(self) -> int:
        return self.bins.total()

    def add(self, value: int) -> None:
        self.total += value
        self._reach(value, value)
        half = max(_third_digit(value) // 2, 1)
        self.bins[value // half * half] += 1

    def add_json(self, part: Mapping[str, Any]) -> None:
        self.total += part["total"]
        self._reach(part["least"], part["greatest"])
        self.bins.update({int(value): n for value, n in part["values"].items()})

    def as_json(self) -> dict[str, Any]:
        return {"total": self.total, "least": self.least, "greatest": self.greatest, "values": _keyed(self.bins)}

    def _reach(self, least: int | None, greatest: int | None) -> None:
        self.least = min((one for one in (self.least, least) if one is not None), default=None)
        self.greatest = max((one for one in (self.greatest, greatest) if one is not None), default=None)

    @property
    def mean(self) -> float | None:
        return self.total / len(self) if self.bins else None

    def quantiles(self, shares: Sequence[float] = SHARES) -> list[int] | None:
        """The values up to which these shares of the numbers go, rounded to three digits, the least and the greatest
        exactly; None of nothing."""
        if self.least is None or self.greatest is None:
            return None
        found: list[int] = []
        passed, values = 0, sorted(self.bins)
        bins = iter(values)
        value = next(bins)
        for share in shares:
            while passed + self.bins[value] < share * len(self) and value != values[-1]:
                passed += self.bins[value]
                value = next(bins)
            found.append(self.least if share <= 0 else self.greatest if share >= 1 else _rounded(value))
        # Rounding must not lead past what was there.
        return [min(max(one, self.least), self.greatest) for one in found]


def _third_digit(value: int) -> int:
    """What a unit of the third digit of a number is worth; 1 for those with fewer."""
    unit: int = 10 ** max(len(str(value)) - 3, 0)
    return unit


def _rounded(value: int) -> int:
    unit = _third_digit(value)
    return (value + unit // 2) // unit * unit


def _keyed(counter: Mapping[int, int]) -> dict[str, int]:
    return {str(key): counter[key] for key in sorted(counter)}


class Reasoning(NamedTuple):
    """How many of the rows that are solutions of problems have reasoning; summaries of comparisons have none."""

    having: int
    rows: int

    @property
    def is_everywhere(self) -> bool:
        return self.having == self.rows

    def __str__(self) -> str:
        return f"{self.having:,} of {self.rows:,}"


class Samples:
    """The rows whose ids have the least hashes: the same ones in whatever order they come, and however often."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, str, Row]] = []

    def offer(self, row_id: str, make: Callable[[], Row]) -> None:
        """Keep a row if it is one of them; `make` is asked for it only then."""
        order = -int.from_bytes(blake2b(row_id.encode(), digest_size=8).digest())
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, (order, row_id, make()))
        elif (order, row_id) > self._heap[0][:2]:
            heapq.heapreplace(self._heap, (order, row_id, make()))

    @property
    def rows(self) -> list[Row]:
        """From the least hash on."""
        return [row for _, _, row in sorted(self._heap, key=lambda entry: entry[:2], reverse=True)]


def shown_value(value: Any) -> str:
    """The value of a column as figures and cards have it."""
    return "null" if value is None else str(value)


class Figures:
    """What is told of training rows; those of one problem must be added one after the other."""

    def __init__(self) -> None:
        self.rows = 0
        self.problems = 0
        self.values: dict[str, Counter[str]] = {column: Counter() for column in COUNTED}
        self.pass_rates: Counter[int] = Counter()
        self.reasoned = 0
        self.characters = Histogram()
        self.tokens = Histogram()
        self.solutions: SolutionFigures | None = None
        self._samples = Samples(SAMPLES)
        self._dropped: dict[str, Samples] = {}
        self._problem_id: str | None = None

    @property
    def samples(self) -> list[Row]:
        return self._samples.rows

    @property
    def reasoning(self) -> Reasoning:
        """The rows that have reasoning, of those that may."""
        return Reasoning(self.reasoned, self.rows - self.values["inference_mode"]["genselect"])

    @property
    def dropped(self) -> dict[str, list[Row]]:
        return {reason: samples.rows for reason, samples in sorted(self._dropped.items())}

    def add(
        self, row: Mapping[str, Any], characters: int, has_reasoning: bool, whole: Callable[[], Mapping[str, Any]]
    ) -> None:
        """Add a row: its columns without long texts, the characters of its solution, whether that begins with
        `THINK_TAG`, and how to get all of it."""
        self.rows += 1
        self.reasoned += has_reasoning
        for column, counter in self.values.items():
            counter[shown_value(row[column])] += 1
        tenth, tokens = int(row["pass_rate"] * 10), row["completion_tokens"]
        self.characters.add(characters)
        if tokens is not None:
            self.tokens.add(tokens)
        if row["problem_id"] != self._problem_id:
            self._problem_id = row["problem_id"]
            self.problems += 1
            self.pass_rates[tenth] += 1
        self._samples.offer(row["id"], lambda: {name: value for name, value in whole().items() if name not in _LONG})

    def offer_dropped(self, row_id: str, reason: str, make: Callable[[], Row]) -> None:
        """A solution that was dropped, perhaps to be a sample."""
        self._dropped.setdefault(reason, Samples(DROPPED_SAMPLES)).offer(row_id, make)

    def add_json(self, part: Mapping[str, Any]) -> None:
        """Add what `as_json` made of other rows, of other problems."""
        self.rows += part["rows"]
        self.problems += part["problems"]
        self.reasoned += part["reasoned"]
        for column, counter in self.values.items():
            counter.update(part["values"][column])
        self.pass_rates.update({int(tenth): n for tenth, n in part["pass_rates"].items()})
        self.characters.add_json(part["characters"])
        self.tokens.add_json(part["tokens"])
        for row in part["samples"]:
            self._samples.offer(row["id"], partial(dict, row))
        for reason, rows in part["dropped"].items():
            for row in rows:
                self.offer_dropped(f"{row['id']}-{row['seed']}", reason, partial(dict, row))
        if "solutions" in part:
            self.solutions = self.solutions or SolutionFigures()
            self.solutions.add_json(part["solutions"])

    def as_json(self) -> dict[str, Any]:
        """The object that the module's head describes."""
        figures = {
            "rows": self.rows,
            "problems": self.problems,
            "values": {column: dict(sorted(counter.items())) for column, counter in self.values.items()},
            "pass_rates": _keyed(self.pass_rates),
            "reasoned": self.reasoned,
            "characters": self.characters.as_json(),
            "tokens": self.tokens.as_json(),
            "samples": self.samples,
            "dropped": self.dropped,
        }
        return figures if self.solutions is None else figures | {"solutions": self.solutions.as_json()}


def read_figures(paths: Iterable[Path]) -> Figures:
    """The figures of all shards, added up. Raises UserError for a file that holds no figures."""
    figures = Figures()
    for path in paths:
        part = read_json(path)
        try:
            figures.add_json(part)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"not the figures of training rows ({error!r})"
            raise UserError(what, file=path, remedy="delete this file and run again") from error
    return figures


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
