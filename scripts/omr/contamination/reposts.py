"""Which of very many problems are the same: groups of reposts, found by what the problems say.

No two problems are compared unless they share a hash, so time and memory grow with the number of problems: under 250
bytes for each, and about 700 for those that share their answer and their task with another one.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from omr.contamination.meaning import meaning_of
from omr.contamination.one_problem import evidence_of, is_same, same_texts
from omr.files.hash_table import HashTable
from omr.files.jsonl import Row
from omr.files.notation import notation

#: Problems of one answer, one task and other words that are compared with each other; more of them are no reposts.
_MOST_COMPARED = 50


class _FirstWith:
    """The first row with each hash."""

    def __init__(self) -> None:
        self._entries = HashTable()
        self._rows = array("I")

    def of(self, hashed: int, row: int) -> int:
        entry = self._entries.add(hashed)
        if entry == len(self._rows):
            self._rows.append(row)
        return self._rows[entry]


class _Kept(NamedTuple):
    """What is needed of a problem to compare others with it, in a tenth of the memory."""

    number: int
    mathematics: tuple[int, int]
    said: Sequence[int]


class Reposts:
    """Sorts problems, known by their numbers 0, 1, 2, ..., into groups; those of one group are the same problem.

    Two passes over all of them in order, `note` and then `compare`; after that `group_of` holds.
    """

    def __init__(self) -> None:
        self._parents = array("I")
        self._same_text = (_FirstWith(), _FirstWith(), _FirstWith())
        self._evidence = HashTable()
        self._shared: set[int] = set()
        self._compared: dict[int, list[_Kept]] = defaultdict(list)
        #: Pairs that were put together, by what shows that they are the same.
        self.joined: Counter[str] = Counter()

    def note(self, row: Row) -> None:
        """First pass: a problem joins those that say the same."""
        number = len(self._parents)
        self._parents.append(number)
        meaning = meaning_of(row["problem"])
        if meaning is None:
            return
        answer = row.get("expected_answer")
        for table, hashed in zip(self._same_text, same_texts(meaning, answer), strict=True):
            if hashed is not None:
                self._join(number, table.of(hashed, number), "text")
        evidence = evidence_of(meaning, answer)
        if evidence is not None:
            known = len(self._evidence)
            if self._evidence.add(evidence) < known:
                self._shared.add(evidence)

    def compare(self, number: int, row: Row) -> None:
        """Second pass: a problem joins those with its answer and task, if they have its mathematics as well."""
        if not self._shared or row.get("expected_answer") is None:
            return
        meaning = meaning_of(row["problem"])
        evidence = None if meaning is None else evidence_of(meaning, row["expected_answer"])
        if meaning is None or evidence not in self._shared:
            return
        others = self._compared[evidence]
        for other in others:
            if is_same(meaning, meaning._replace(mathematics=other.mathematics, said=other.said)):
                self._join(number, other.number, "answer")
        if len(others) < _MOST_COMPARED:
            others.append(_Kept(number, meaning.mathematics, meaning.said))

    def group_of(self, number: int) -> int:
        """The number of the first problem of the group that a problem is in."""
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    def _join(self, one: int, other: int, shown_by: str) -> None:
        first, second = sorted((self.group_of(one), self.group_of(other)))
        if first != second:
            self._parents[second] = first
            self.joined[shown_by] += 1

    def groups(self) -> set[int]:
        """The groups of more than one problem."""
        return {self.group_of(number) for number, parent in enumerate(self._parents) if parent != number}


class Member(NamedTuple):
    """A problem of a group, as far as the choice needs it."""

    id: str
    answer: str | None
    posts: int


def best_of(members: Iterable[Member]) -> Member:
    """The problem that stands for its group.

    One with an answer goes before one without, then the answer that most of the group have, then the longer discussion,
    then the place in the file.
    """
    members = list(members)
    votes = Counter(spelled_answer(member.answer) for member in members)
    return min(
        members, key=lambda member: (member.answer is None, -votes[spelled_answer(member.answer)], -member.posts)
    )


def spelled_answer(answer: str | None) -> str | None:
    """An answer in its own notation."""
    return None if answer is None else notation(answer)


def are_reposts(problem: str, other: str, answer: str | None) -> bool:
    """Whether two problems would be put together if both had this answer."""
    first, second = meaning_of(problem), meaning_of(other)
    if first is None or second is None:
        return False
    pairs = zip(same_texts(first, answer), same_texts(second, answer), strict=True)
    if any(one is not None and one == theirs for one, theirs in pairs):
        return True
    evidence = evidence_of(first, answer)
    return evidence is not None and evidence == evidence_of(second, answer) and is_same(first, second)


def figures_of(groups: Mapping[int, Iterable[Member]]) -> dict[str, Any]:
    """What there is of groups: {"groups", "in_groups", "sizes": {size: groups}, "different_answers": groups}."""
    sizes, different = Counter[int](), 0
    for members in groups.values():
        listed = list(members)
        sizes[len(listed)] += 1
        answers = {spelled_answer(member.answer) for member in listed if member.answer is not None}
        different += len(answers) > 1
    return {
        "groups": sizes.total(),
        "in_groups": sum(size * count for size, count in sizes.items()),
        "sizes": {str(size): sizes[size] for size in sorted(sizes)},
        "different_answers": different,
    }
