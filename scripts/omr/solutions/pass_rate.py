"""How many of a problem's solutions are right, of those of which anybody knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from omr.files.jsonl import Row
from omr.solutions.judging import NOT_RIGHT


class PassRate(NamedTuple):
    """`right` of `known` solutions of a problem."""

    right: int
    known: int

    @property
    def share(self) -> float:
        """0.0 where nothing is known: then no solution is right either."""
        return self.right / self.known if self.known else 0.0


def is_known(row: Row) -> bool:
    """Whether a judged solution counts in the pass rate, as right or not."""
    return row["judgement"] in ("yes", "no") or row["unjudged_reason"] in NOT_RIGHT


def pass_rate(rows: Sequence[Row]) -> PassRate:
    """The pass rate of a problem from the judged rows of all its solutions."""
    right = sum(row["judgement"] == "yes" for row in rows)
    return PassRate(right, sum(map(is_known, rows)))
