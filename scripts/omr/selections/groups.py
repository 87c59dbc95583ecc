"""Groups of candidates to compare, made of hashes alone: the same whatever the order of rows, files and shards.

A group has at least one right and one wrong candidate, and of right ones at most a share. Groups of the same candidates
are one group, in whichever order they would be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil, floor
from typing import NamedTuple

from omr.selections.candidates import Candidate
from omr.selections.sizes import drawn_size

#: So many tries for each group that is wanted: more find hardly any new one.
_TRIES = 2
#: Shares are written in decimals, products of which may fall short of a whole number.
_ALMOST = 1e-9


class Group(NamedTuple):
    """`number` tells the groups of a problem apart; its members, in the order in which they are shown."""

    number: int
    members: tuple[Candidate, ...]

    @property
    def right(self) -> int:
        return sum(member.right for member in self.members)


@dataclass(frozen=True)
class GroupRules:
    """What a recipe asks of its groups: how many per problem, the most candidates, the greatest share of right ones."""

    groups: int
    max_size: int
    max_right_share: float

    @property
    def smallest(self) -> int:
        """The fewest candidates of which one may be right, and one is wrong."""
        return max(2, ceil(1 / self.max_right_share - _ALMOST))

    def most_right(self, size: int) -> int:
        """How many of a group of this size may be right; one must be wrong."""
        return min(floor(size * self.max_right_share + _ALMOST), size - 1)

    def largest(self, right: int, wrong: int) -> int:
        """The greatest size that so many candidates allow; less than `smallest` if they allow none."""
        if not right:
            return 0
        sizes = range(min(right + wrong, self.max_size), self.smallest - 1, -1)
        return next((size for size in sizes if size - min(right, self.most_right(size)) <= wrong), 0)


@dataclass
class Formed:
    """The groups of a problem, those that were not accepted, and how many tries gave one that was there."""

    groups: list[Group] = field(default_factory=list)
    refused: list[Group] = field(default_factory=list)
    equal: int = 0


def hashed(*parts: object) -> int:
    """A number that follows from the parts alone."""
    return int.from_bytes(blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest())


def form_groups(
    problem_id: str,
    pool: Sequence[Candidate],
    rules: GroupRules,
    accepts: Callable[[tuple[Candidate, ...]], bool] = lambda members: True,
) -> Formed:
    """Up to `rules.groups` different groups of a problem's candidates; those that `accepts` refuses are told."""
    right = [candidate for candidate in pool if candidate.right]
    wrong = [candidate for candidate in pool if not candidate.right]
    largest = rules.largest(len(right), len(wrong))
    formed = Formed()
    if largest < rules.smallest:
        return formed
    seen: set[frozenset[str]] = set()
    for number in range(_TRIES * rules.groups):
        size = drawn_size(rules.smallest, largest, hashed(problem_id, number, "size"))
        members = _members(problem_id, number, right, wrong, size, rules.most_right(size))
        names = frozenset(member.name for member in members)
        if names in seen:
            formed.equal += 1
            continue
        seen.add(names)
        if not accepts(members):
            formed.refused.append(Group(number, members))
            continue
        formed.groups.append(Group(number, members))
        if len(formed.groups) == rules.groups:
            break
    return formed


def _members(
    problem_id: str, number: int, right: Sequence[Candidate], wrong: Sequence[Candidate], size: int, most_right: int
) -> tuple[Candidate, ...]:
    """One right and one wrong candidate, then whichever comes next, in the order in which they are shown."""

    def place(candidate: Candidate) -> tuple[int, str]:
        return hashed(problem_id, number, candidate.name), candidate.name

    def shown(candidate: Candidate) -> tuple[int, str]:
        return hashed(problem_id, number, "order", candidate.name), candidate.name

    first_right, *other_right = sorted(right, key=place)
    first_wrong, *other_wrong = sorted(wrong, key=place)
    members = [first_right, first_wrong]
    # Of more right ones than there may be, the first do.
    rest = sorted([*other_right[: most_right - 1], *other_wrong], key=place)
    members += rest[: size - 2]
    return tuple(sorted(members, key=shown))
