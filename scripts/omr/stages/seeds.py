"""How many solutions a problem gets: a table by its pass rate and by whether its answer is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from omr.files.jsonl import Fields, read_rows
from omr.stages.shards import shard_of

_SHARE: Fields = {"id": str, "share": (float, int, None)}
_RATE: Fields = {**_SHARE, "answer": (str, None)}
_PLAN: Fields = {"id": str, "seeds": int}


class Numbers(NamedTuple):
    """Solutions of a problem: where its answer is known from the forum, and where the solutions vote on it."""

    extracted: int
    majority: int


class SeedTable(NamedTuple):
    """`rows`: up to which share of right solutions (of a measure, ascending, the last 1.0), and how many then;
    `no_rate`: how many for a problem without a pass rate."""

    rows: tuple[tuple[float, Numbers], ...]
    no_rate: Numbers

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> SeedTable:
        """The table of {"table": [{"to", "extracted", "majority"}], "no_rate": {"extracted", "majority"}}."""
        rows = tuple((float(row["to"]), Numbers(row["extracted"], row["majority"])) for row in section["table"])
        return cls(rows, Numbers(section["no_rate"]["extracted"], section["no_rate"]["majority"]))

    @property
    def most(self) -> int:
        """The largest number in it."""
        return max(max(numbers) for numbers in (self.no_rate, *(numbers for _, numbers in self.rows)))

    def within(self, seeds: range) -> dict[str, Any]:
        """The same table in the form of config, with the number of these solutions that a problem gets, from 0.

        It changes only where another table changes who gets one of them.
        """
        return {
            "table": [{"to": to, **_within(numbers, seeds)} for to, numbers in self.rows],
            "no_rate": _within(self.no_rate, seeds),
        }

    def goes_by_shares(self, seeds: range) -> bool:
        """Whether who gets one of these solutions depends on pass rates."""
        given = [_within(numbers, seeds) for numbers in (self.no_rate, *(numbers for _, numbers in self.rows))]
        return any(one != given[0] for one in given)

    def number(self, share: float | None, answer_is_known: bool) -> int:
        """Solutions of one problem; `share` is None where no pass rate is known."""
        found = self.no_rate
        if share is not None:
            found = next((numbers for to, numbers in self.rows if share <= to), self.no_rate)
        return found.extracted if answer_is_known else found.majority


def _within(numbers: Numbers, seeds: range) -> dict[str, int]:
    return {name: min(max(number - seeds.start, 0), len(seeds)) for name, number in numbers._asdict().items()}


class MeasuredRate(NamedTuple):
    """The share of a problem's solutions that are right (None: unknown), and the answer by which they were judged."""

    share: float | None
    answer: str | None


def read_rates(path: Path, shard: int, shards: int) -> dict[str, MeasuredRate]:
    """Pass rates of the problems of one shard by id, from a file of measure_pass_rates.py."""
    rows = (row for row in read_rows(path, _RATE) if shard_of(row["id"], shards) == shard)
    return {row["id"]: MeasuredRate(row["share"], row["answer"]) for row in rows}


def read_shares(path: Path | None, shard: int, shards: int) -> dict[str, float | None]:
    """Pass rates of the problems of one shard by id, from a file of measure_pass_rates.py; none for no file."""
    if path is None:
        return {}
    return {row["id"]: row["share"] for row in read_rows(path, _SHARE) if shard_of(row["id"], shards) == shard}


def read_plan(path: Path) -> dict[str, int]:
    """How many solutions each problem of a shard gets, from a file of plan_solutions.py."""
    return {row["id"]: row["seeds"] for row in read_rows(path, _PLAN)}


#: So many equal answers make a problem without a known answer count as solved; one alone agrees with nobody.
AGREEING = 2


class Enough(NamedTuple):
    """When a problem is asked no more: after `right` right solutions; without a known answer, when `votes` solutions
    and this `share` of them agree; and after `give_up_after` rounds (None: never) if nothing solved it."""

    right: int
    votes: int
    share: float
    give_up_after: int | None

    def why(self, answer_is_known: bool, rounds: int, right: int, votes: int, share: float) -> str | None:
        """`enough`, `given_up`, or None for a problem to ask again after so many rounds.

        `right` of its solutions are right, `votes` of them agree on the commonest answer, and these are such a `share`.
        """
        if answer_is_known:
            enough, solved = right >= self.right, right > 0
        else:
            enough, solved = votes >= self.votes and share >= self.share, votes >= AGREEING
        if enough:
            return "enough"
        return "given_up" if self.give_up_after is not None and rounds >= self.give_up_after and not solved else None
