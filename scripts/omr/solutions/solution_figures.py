"""What is told of all judged solutions, counted while their rows pass by: memory does not grow with the rows.

As JSON, an object whose parts add up over shards:

    problems, unknown   problems, and those none of whose solutions count in a pass rate
    pass_rates          {"<right>/<known>": problems}
    votes               {answer_source: {"<votes of the commonest answer>/<all votes>": problems}}
    lengths             {"right" or "other": {group: {tokens: solutions}}}: completion tokens to two digits, of right
                        solutions and of all others, by the group of their problem's pass rate; solutions that this
                        leaves out, since nobody knows whether they are right, are in the group of what is not known
    without_length      solutions whose tokens nobody counted
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from omr.files.jsonl import Row
from omr.solutions.pass_rate import PassRate, is_known

#: Groups of shares: none, up to 10%, ..., up to 90%, below all, all; and of what is not known.
SHARE_GROUPS = 12
UNKNOWN = SHARE_GROUPS
RIGHT, OTHER = "right", "other"


def share_group(part: int, whole: int) -> int:
    """The group of a share: 0 for none, 11 for all, tenths with their upper end between them."""
    if part in (0, whole):
        return SHARE_GROUPS - 1 if part else 0
    # Integers, since 0.1 is no binary number.
    return -(-10 * part // whole)


def length_step(length: int) -> int:
    """How far apart two such lengths are that are counted apart."""
    step: int = 10 ** max(len(str(length)) - 2, 0)
    return step


class SolutionFigures:
    """The figures; all solutions of a problem are added at once."""

    def __init__(self) -> None:
        self.problems = self.unknown = self.without_length = 0
        self.pass_rates: Counter[tuple[int, int]] = Counter()  # (right, known) solutions -> problems
        self.votes: dict[str, Counter[tuple[int, int]]] = {}  # by answer source: (most, all) votes -> problems
        self.lengths: dict[str, dict[int, Counter[int]]] = {RIGHT: {}, OTHER: {}}

    def add(self, rate: PassRate, rows: Sequence[Row]) -> None:
        """Add the judged rows of a problem."""
        self.problems += 1
        if rate.known:
            self.pass_rates[rate.right, rate.known] += 1
        else:
            self.unknown += 1
        votes = rows[0]["majority_votes"], rows[0]["total_votes"]
        self.votes.setdefault(rows[0]["answer_source"], Counter())[votes] += 1
        group = share_group(*rate) if rate.known else UNKNOWN
        for row in rows:
            # Without a request that was answered there is no solution.
            if row.get("unjudged_reason") != "failed":
                self._add_length(row, group if is_known(row) else UNKNOWN)

    def _add_length(self, row: Row, group: int) -> None:
        tokens = row.get("completion_tokens")
        if type(tokens) is not int:
            self.without_length += 1
            return
        step = length_step(tokens)
        of_kind = self.lengths[RIGHT if row["judgement"] == "yes" else OTHER]
        of_kind.setdefault(group, Counter())[tokens // step * step] += 1

    @property
    def rated(self) -> int:
        """The problems that have a pass rate."""
        return self.problems - self.unknown

    def add_json(self, part: Mapping[str, Any]) -> None:
        """Add what `as_json` made of other problems."""
        self.problems += part["problems"]
        self.unknown += part["unknown"]
        self.without_length += part["without_length"]
        self.pass_rates.update(_pairs(part["pass_rates"]))
        for source, votes in part["votes"].items():
            self.votes.setdefault(source, Counter()).update(_pairs(votes))
        for kind, groups in part["lengths"].items():
            for group, lengths in groups.items():
                numbers = {int(length): n for length, n in lengths.items()}
                self.lengths[kind].setdefault(int(group), Counter()).update(numbers)

    def as_json(self) -> dict[str, Any]:
        """The object that the module's head describes."""
        return {
            "problems": self.problems,
            "unknown": self.unknown,
            "pass_rates": _keyed(self.pass_rates),
            "votes": {source: _keyed(votes) for source, votes in sorted(self.votes.items())},
            "lengths": {
                kind: {
                    str(group): {str(length): n for length, n in sorted(lengths.items())}
                    for group, lengths in sorted(groups.items())
                }
                for kind, groups in self.lengths.items()
            },
            "without_length": self.without_length,
        }


def _keyed(pairs: Mapping[tuple[int, int], int]) -> dict[str, int]:
    return {f"{part}/{whole}": n for (part, whole), n in sorted(pairs.items())}


def _pairs(keyed: Mapping[str, int]) -> dict[tuple[int, int], int]:
    split = ((key.split("/"), n) for key, n in keyed.items())
    return {(int(part), int(whole)): n for (part, whole), n in split}


def median(lengths: Mapping[int, int]) -> int | None:
    """The middle one of lengths with their numbers (the lower of two); None of nothing."""
    left = (sum(lengths.values()) + 1) // 2
    for length, number in sorted(lengths.items()):
        left -= number
        if left <= 0:
            return length
    return None
