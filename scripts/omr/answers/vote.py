"""The majority vote over the final answers of one problem's solutions: equivalent answers vote together.

The result depends on the answers and how often each was given, never on their order of arrival. Two answers with the
most votes are a tie, and a tie is no majority. Answers that no comparison tells apart nor proves the same may be one
answer: which of these pairs could change the outcome is found here, so that only they are asked about.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from omr.answers.verdict import Verdict

#: Answers -> the index of each one's class.
Grouping = Callable[[Sequence[str]], Sequence[int]]
#: Pairs of answers -> the verdict on each.
Comparing = Callable[[Iterable[tuple[str, str]]], Iterable[Verdict]]
#: Two classes, by their places: the lower one first.
Pair = tuple[int, int]

#: Classes beyond so many have next to no votes each, and pairs grow with the square.
_MOST_CLASSES = 24


class Voted(NamedTuple):
    """A class of equivalent answers: its commonest spelling, and how many solutions gave any of its spellings."""

    answer: str
    votes: int


class Vote(NamedTuple):
    """`answer` is the winning class's commonest spelling; `votes` of `total` readable answers are in that class.

    Where it is `tied`, another class has as many votes, and the answer is only the first of them.
    """

    answer: str
    votes: int
    total: int
    tied: bool = False

    @property
    def share(self) -> float:
        return self.votes / self.total


class Requirement(NamedTuple):
    """What makes the commonest answer a majority: at least so many votes, and so great a share of all votes."""

    min_votes: int
    min_share: float

    def fault(self, vote: Vote | None) -> str | None:
        """None for a majority, else `no_readable_answer`, `tied_vote`, `too_few_votes` or `low_vote_share`."""
        if vote is None:
            return "no_readable_answer"
        if vote.tied:
            return "tied_vote"
        if vote.votes < self.min_votes:
            return "too_few_votes"
        return "low_vote_share" if vote.share < self.min_share else None

    def least(self, total: int) -> int:
        """The votes that are enough of `total`."""
        return max(self.min_votes, math.ceil(self.min_share * total - 1e-9))


def majority(spellings: Mapping[str, int], group: Grouping) -> Vote:
    """The vote over `spellings` (answer -> how many solutions gave it, at least one)."""
    return outcome(count_votes(spellings, group))


def count_votes(spellings: Mapping[str, int], group: Grouping) -> list[Voted]:
    """The classes of `spellings` (answer -> how many solutions gave it), the one with most votes first.

    Spellings of a class: the commonest names it, then the shortest, then the first in the order of code points. Classes
    with as many votes stand in the order of their names by the same rule.
    """
    ranked = sorted(spellings, key=lambda spelling: _rank(spelling, spellings[spelling]))
    classes = group(ranked) if len(ranked) > 1 else [0] * len(ranked)
    votes: Counter[int] = Counter()
    named: dict[int, str] = {}
    for spelling, number in zip(ranked, classes, strict=True):
        votes[number] += spellings[spelling]
        named.setdefault(number, spelling)
    return _ranked(Voted(named[number], votes[number]) for number in named)


def outcome(classes: Sequence[Voted]) -> Vote:
    """The vote of ranked classes, at least one."""
    first = classes[0]
    tied = len(classes) > 1 and classes[1].votes == first.votes
    return Vote(first.answer, first.votes, sum(each.votes for each in classes), tied)


class Open(NamedTuple):
    """Pairs of classes that may be one answer and could change the outcome, and those that are proven to differ."""

    pairs: list[Pair]
    different: list[Pair]


def open_pairs(classes: Sequence[Voted], required: Requirement, compare: Comparing, most: int) -> Open:
    """At most `most` undecided pairs that could change the outcome, those with most votes first.

    Nothing could change it where no group of classes that may be the same has as many votes as the winner, or, where
    there is no majority, enough for one.
    """
    if most < 1 or len(classes) < 2:
        return Open([], [])
    vote, others = outcome(classes), list(classes[:_MOST_CLASSES])
    fault = required.fault(vote)
    rest = vote.total - vote.votes
    if (fault is None and rest < vote.votes) or vote.total < required.least(vote.total):
        return Open([], [])
    places = list(combinations(range(len(others)), 2))
    verdicts = compare((others[one].answer, others[other].answer) for one, other in places)
    relation = dict(zip(places, verdicts, strict=True))
    near: dict[int, set[int]] = {place: set() for place in range(len(others))}
    for (one, other), verdict in relation.items():
        if verdict is Verdict.UNKNOWN:
            near[one].add(other)
            near[other].add(one)
    goal = vote.votes if fault is None else max(required.least(vote.total), vote.votes + 1 if vote.tied else 0)
    winner = {0} if fault is None else set()
    strong = {place for place in near if place not in winner and _reach(place, near, others, winner) >= goal}
    concerned = strong.union(*(near[place] for place in strong))
    asked = [(one, other) for one, other in places if other in near[one] and {one, other} <= concerned]
    asked.sort(key=lambda pair: (-others[pair[0]].votes - others[pair[1]].votes, pair))
    different = [pair for pair, verdict in relation.items() if verdict is Verdict.DIFFERENT]
    return Open(asked[:most], different) if asked else Open([], [])


def _reach(place: int, near: Mapping[int, set[int]], classes: Sequence[Voted], without: Collection[int]) -> int:
    """The most votes that a class could have together with those that may be the same answer."""
    if not near[place]:
        return 0  # it can grow no more: nothing to ask
    return classes[place].votes + sum(classes[other].votes for other in near[place] if other not in without)


def merge_classes(classes: Sequence[Voted], same: Iterable[Pair], different: Collection[Pair]) -> list[Voted]:
    """The classes after pairs were found to be the `same`, one pair after the other.

    Classes that hold a pair proven to be `different` stay apart, whatever was found. The class with most votes names
    those that it is united with.
    """
    member = list(range(len(classes)))
    apart = {frozenset(pair) for pair in different}
    for one, other in same:
        keep, gone = sorted((member[one], member[other]))
        groups = ([place for place, of in enumerate(member) if of == group] for group in (keep, gone))
        first, second = groups
        if keep != gone and not any(frozenset((a, b)) in apart for a in first for b in second):
            member = [keep if of == gone else of for of in member]
    votes: Counter[int] = Counter()
    for place, of in enumerate(member):
        votes[of] += classes[place].votes
    return _ranked(Voted(classes[of].answer, n) for of, n in votes.items())


def _ranked(classes: Iterable[Voted]) -> list[Voted]:
    return sorted(classes, key=lambda each: _rank(each.answer, each.votes))


def _rank(spelling: str, count: int) -> tuple[int, int, str]:
    return -count, len(spelling), spelling
