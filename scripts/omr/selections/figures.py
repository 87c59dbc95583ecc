"""How good the picks of a comparing model are: by position, and against chance and the majority of the same groups.

Sums only, so that the figures of shards add up. A tally is {"groups", "right", "chance", "majority", "gain",
"gain_squares"}: groups whose pick could be read; picks that are right; right picks that drawing lots would have given,
and that taking one of the commonest answer of each group would have given (of several such answers, drawn by lot);
the sum of right - majority over the groups, and the sum of its squares.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

#: A gain of so many standard errors is taken for more than luck.
_SURE = 2.0


class Shown(NamedTuple):
    """What counts of a candidate here: its answer's class within its problem, and whether it is right."""

    answer_class: int
    right: bool


def majority_share(group: Sequence[Shown]) -> float:
    """How likely it is that one of the commonest answer of a group is right."""
    sizes = Counter(shown.answer_class for shown in group)
    most = max(sizes.values())
    of_commonest = [shown.right for shown in group if sizes[shown.answer_class] == most]
    return sum(of_commonest) / len(of_commonest)


class Picks:
    """Figures of picks, counted while they pass by."""

    def __init__(self) -> None:
        self._tallies: dict[str, dict[str, Counter[str]]] = {
            "by_size": defaultdict(Counter),
            "by_answer_source": defaultdict(Counter),
        }
        self._sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * 4)
        self._positions: dict[int, Counter[str]] = defaultdict(Counter)
        self._chance_of_position: Counter[int] = Counter()  # by number of candidates

    def add(self, group: Sequence[Shown], picked: int, answer_source: str) -> None:
        """Count one pick."""
        # A number: a counter keeps the first value that it gets, and truth is no number to whoever adds counts up.
        right, size = int(group[picked].right), len(group)
        chance, majority = sum(shown.right for shown in group) / size, majority_share(group)
        for kind, key in (("by_size", f"{size:02d}"), ("by_answer_source", answer_source)):
            self._tallies[kind][key].update(groups=1, right=right)
            gain = right - majority
            for place, value in enumerate((chance, majority, gain, gain * gain)):
                self._sums[kind, key][place] += value
        self._chance_of_position[size] += 1
        for position, shown in enumerate(group):
            self._positions[position].update(groups=1, right_shown=int(shown.right))
        self._positions[picked].update(picked=1, right=right)

    def as_json(self) -> dict[str, Any]:
        """{"by_size": {size: tally}, "by_answer_source": {source: tally}, "by_position": {position: {"groups",
        "picked", "right", "right_shown", "chance"}}}; `chance` is the number of picks that lots would put there."""
        found: dict[str, Any] = {
            kind: {key: self._tally(kind, key) for key in sorted(of_kind)} for kind, of_kind in self._tallies.items()
        }
        found["by_position"] = {f"{position:02d}": self._position(position) for position in sorted(self._positions)}
        return found

    def _tally(self, kind: str, key: str) -> dict[str, float]:
        counts = self._tallies[kind][key]
        names = ("chance", "majority", "gain", "gain_squares")
        sums = {name: round(value, 6) for name, value in zip(names, self._sums[kind, key], strict=True)}
        return {"groups": counts["groups"], "right": counts["right"], **sums}

    def _position(self, position: int) -> dict[str, float]:
        counts = self._positions[position]
        chance = sum(number / size for size, number in sorted(self._chance_of_position.items()) if size > position)
        names = ("groups", "picked", "right", "right_shown")
        return {name: counts[name] for name in names} | {"chance": round(chance, 6)}


class Worth(NamedTuple):
    """What picks are worth: shares of right ones among `groups`, and how sure the gain over the majority is."""

    groups: int
    right: float
    chance: float
    majority: float
    gain_error: float  # standard error of right - majority

    @property
    def verdict(self) -> str:
        """`adds`, `adds_nothing` (not above the majority) or `unsure` (above it, but perhaps by luck)."""
        gain = self.right - self.majority
        if gain <= 0:
            return "adds_nothing"
        return "adds" if gain > _SURE * self.gain_error else "unsure"


def worth_of(tally: Mapping[str, float]) -> Worth | None:
    """The shares of a tally; None of no groups."""
    groups = int(tally["groups"])
    if not groups:
        return None
    gain = tally["gain"] / groups
    variance = max(0.0, tally["gain_squares"] / groups - gain * gain)
    # A single group says nothing of how much groups differ.
    error = sqrt(variance / (groups - 1)) if groups > 1 else 1.0
    right, chance, majority = (tally[name] / groups for name in ("right", "chance", "majority"))
    return Worth(groups, right, chance, majority, error)
