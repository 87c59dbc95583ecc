"""The majority vote over the final answers of one problem's solutions: equivalent answers vote together.

The result depends on the answers and how often each was given, never on their order of arrival.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

#: Answers -> the index of each one's class.
Grouping = Callable[[Sequence[str]], Sequence[int]]


class Vote(NamedTuple):
    """`answer` is the winning class's commonest spelling; `votes` of `total` readable answers are in that class."""

    answer: str
    votes: int
    total: int

    @property
    def share(self) -> float:
        return self.votes / self.total


def majority(spellings: Mapping[str, int], group: Grouping) -> Vote:
    """The vote over `spellings` (answer -> how many solutions gave it, at least one).

    Spellings of a class: the commonest wins, then the shortest, then the first in the order of code points. Classes:
    the one with most votes wins, then the one whose spelling wins by the same rule.
    """
    ranked = sorted(spellings, key=lambda spelling: _rank(spelling, spellings[spelling]))
    classes = group(ranked) if len(ranked) > 1 else [0]
    votes: Counter[int] = Counter()
    named: dict[int, str] = {}
    for spelling, number in zip(ranked, classes, strict=True):
        votes[number] += spellings[spelling]
        named.setdefault(number, spelling)
    winner = min(named, key=lambda number: _rank(named[number], votes[number]))
    return Vote(named[winner], votes[winner], votes.total())


def _rank(spelling: str, count: int) -> tuple[int, int, str]:
    return -count, len(spelling), spelling
