r"""Sets of real numbers, however they are written: `x \le 3`, `(-\infty, 3]`, `\mathbb{R} \setminus (3, \infty)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mpmath import mp  # type: ignore[import-untyped]

from omr.answers.algebra import compare_expressions
from omr.answers.evaluation import free_symbols, is_constant, real_value
from omr.answers.forms import REAL_LINE, Fence, Form, Named, Relation, Several, Union, Value, Without
from omr.answers.trees import Call, Expression, Symbol
from omr.answers.verdict import Verdict, all_equal

_INFINITY = Symbol("\\infty")


@dataclass(frozen=True, slots=True)
class End:
    """An end of an interval; `tree` is None at infinity."""

    place: Any
    tree: Expression | None
    closed: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`."""

    low: End
    high: End


#: Intervals that do not touch, in order.
Region = tuple[Interval, ...]

_BELOW, _ABOVE = End(-mp.inf, None, False), End(mp.inf, None, False)
_EVERYTHING: Region = (Interval(_BELOW, _ABOVE),)


def is_region(form: Form) -> bool:
    """Whether the form can only mean a set of real numbers with intervals in it (a pair could also be a point)."""
    if isinstance(form, Relation | Union | Without) or form == REAL_LINE:
        return True
    if isinstance(form, Several):
        return all(isinstance(item, Relation) for item in form.items)
    if not isinstance(form, Fence) or len(form.items) != 2 or form.opening not in ("(", "["):
        return False
    mixed = (form.opening, form.closing) in (("(", "]"), ("[", ")"))
    return mixed or any(_infinite_sign(item) for item in form.items)


def compare_regions(one: Form, other: Form) -> Verdict:
    """Whether two forms are the same set of real numbers; unknown where one of them is not known to be one."""
    names = _unknowns(one), _unknowns(other)
    if max(map(len, names)) > 1 or (all(names) and names[0] != names[1]):
        return Verdict.UNKNOWN
    first, second = region_of(one), region_of(other)
    if first is None or second is None:
        return Verdict.UNKNOWN
    verdict = _compare_intervals(first, second)
    if verdict is Verdict.DIFFERENT and any(names) and _same_whole_numbers(first, second):
        return Verdict.UNKNOWN  # `n > 1` is `n \\ge 2`
    return verdict


def _compare_intervals(first: Region, second: Region) -> Verdict:
    if len(first) != len(second):
        return Verdict.DIFFERENT
    ends = [(left.low, right.low) for left, right in zip(first, second, strict=True)]
    ends += [(left.high, right.high) for left, right in zip(first, second, strict=True)]
    return all_equal(_compare_ends(left, right) for left, right in ends)


def _unknowns(form: Form) -> set[str]:
    """The variables that a set is described with."""
    if isinstance(form, Relation):
        names = [free_symbols(side.tree) for side in form.sides if isinstance(side, Value)]
        return set().union(*names) - {"\\infty"}
    if isinstance(form, Union | Several):
        return set().union(*map(_unknowns, form.parts if isinstance(form, Union) else form.items))
    if isinstance(form, Without):
        return _unknowns(form.whole) | _unknowns(form.removed)
    if isinstance(form, Named) and not form.is_equation and isinstance(form.name, Value):
        return free_symbols(form.name.tree)
    return set()


def _same_whole_numbers(one: Region, other: Region) -> bool:
    """Whether two sets hold the same whole numbers; False where an end is not whole, or there are none in them."""
    whole = [_whole_numbers(region) for region in (one, other)]
    return None not in whole and bool(whole[0]) and whole[0] == whole[1]


def _whole_numbers(region: Region) -> list[tuple[Any, Any]] | None:
    """The whole numbers of a region, as first and last ones of each run."""
    runs: list[tuple[Any, Any]] = []
    for interval in region:
        ends = [end for end in (interval.low, interval.high) if end.tree is not None]
        if not all(mp.isint(end.place) for end in ends):
            return None
        low = interval.low.place + (0 if interval.low.closed else 1)
        high = interval.high.place - (0 if interval.high.closed else 1)
        if low > high:
            continue
        if runs and runs[-1][1] + 1 >= low:
            low = runs.pop()[0]
        runs.append((low, high))
    return runs


@lru_cache(maxsize=256)
def region_of(form: Form) -> Region | None:
    """The set that a form means, if its ends are known numbers."""
    if form == REAL_LINE:
        return _EVERYTHING
    if isinstance(form, Named) and not form.is_equation:
        return region_of(form.value)
    if isinstance(form, Relation):
        return _solutions(form)
    if isinstance(form, Fence):
        return _points(form.items) if form.opening == "\\{" else _interval(form)
    if isinstance(form, Union):
        return _union(form.parts)
    if isinstance(form, Several):
        return _union(form.items) if form.unordered else _all_of(form.items)
    if isinstance(form, Without):
        whole, removed = region_of(form.whole), region_of(form.removed)
        return None if whole is None or removed is None else _intersection(whole, _complement(removed))
    return None


def _compare_ends(one: End, other: End) -> Verdict:
    if one.tree is None or other.tree is None:
        return Verdict.EQUAL if one.place == other.place else Verdict.DIFFERENT
    if one.closed != other.closed:
        return Verdict.DIFFERENT
    return compare_expressions(one.tree, other.tree)


def _infinite_sign(form: Form) -> int:
    if not isinstance(form, Value):
        return 0
    if form.tree == _INFINITY:
        return 1
    return -1 if form.tree == Call("neg", (_INFINITY,)) else 0


def _end(form: Form, *, closed: bool) -> End | None:
    sign = _infinite_sign(form)
    if sign:
        return _ABOVE if sign > 0 else _BELOW
    if not isinstance(form, Value) or form.unit is not None:
        return None
    place = real_value(form.tree)
    return None if place is None else End(place, form.tree, closed)


def _interval(form: Fence) -> Region | None:
    if len(form.items) != 2:
        return None
    low = _end(form.items[0], closed=form.opening == "[")
    high = _end(form.items[1], closed=form.closing == "]")
    if low is None or high is None or not low.place < high.place:
        return None
    return (Interval(low, high),)


def _points(items: Sequence[Form]) -> Region | None:
    ends = [_end(item, closed=True) for item in items]
    return _joined([Interval(end, end) for end in ends if end is not None and end.tree]) if all(ends) else None


def _union(parts: Sequence[Form]) -> Region | None:
    intervals: list[Interval] = []
    for part in parts:
        region = region_of(part)
        if region is None:
            return None
        intervals.extend(region)
    return _joined(intervals)


def _all_of(parts: Sequence[Form]) -> Region | None:
    """`x > 1 and x < 3`. Where nothing satisfies all, `and` was meant loosely."""
    region = _EVERYTHING
    for part in parts:
        other = region_of(part) if isinstance(part, Relation) else None
        if other is None:
            return None
        region = _intersection(region, other)
    return region or None


def _joined(intervals: list[Interval]) -> Region:
    joined: list[Interval] = []
    for interval in sorted(intervals, key=lambda each: (each.low.place, not each.low.closed)):
        last = joined[-1] if joined else None
        if last is None or not _touch(last.high, interval.low):
            joined.append(interval)
        elif _reaches_further(interval.high, last.high):
            joined[-1] = replace(last, high=interval.high)
    return tuple(joined)


def _same_place(one: End, other: End) -> bool:
    return bool(one.place == other.place or abs(one.place - other.place) < mp.mpf(10) ** -50)


def _touch(high: End, low: End) -> bool:
    return (high.closed or low.closed) if _same_place(high, low) else bool(low.place < high.place)


def _reaches_further(one: End, other: End) -> bool:
    return (one.closed and not other.closed) if _same_place(one, other) else bool(one.place > other.place)


def _complement(region: Region) -> Region:
    gaps: list[Interval] = []
    low = _BELOW
    for interval in region:
        if interval.low.tree is not None:
            gaps.append(Interval(low, replace(interval.low, closed=not interval.low.closed)))
        low = replace(interval.high, closed=not interval.high.closed)
    if not region or low.tree is not None:
        gaps.append(Interval(low, _ABOVE))
    return tuple(gaps)


def _intersection(one: Region, other: Region) -> Region:
    return _complement(_joined([*_complement(one), *_complement(other)]))


def _solutions(form: Relation) -> Region | None:
    """The numbers for which a chain around one variable holds: `x < 3`, `1 < f(x) <= 2`, `x \\neq 3`."""
    places = [place for place, side in enumerate(form.sides) if _is_unknown(side)]
    if len(places) != 1 or len(form.sides) > 3:
        return None
    region = _EVERYTHING
    middle = places[0]
    for place, side in enumerate(form.sides):
        if place == middle:
            continue
        if abs(place - middle) > 1:
            return None
        sign = form.signs[min(place, middle)]
        half = _half_line(side, _MIRRORED.get(sign, sign) if place < middle else sign)
        if half is None:
            return None
        region = _intersection(region, half)
    return region


_MIRRORED = {"<": ">", ">": "<", "\\leq": "\\geq", "\\geq": "\\leq"}


def _is_unknown(side: Form) -> bool:
    if not isinstance(side, Value) or is_constant(side.tree) or _infinite_sign(side):
        return False
    return isinstance(side.tree, Symbol) or (isinstance(side.tree, Call) and side.tree.name.startswith("apply:"))


def _half_line(bound: Form, sign: str) -> Region | None:
    """The numbers that stand in the relation `sign` to `bound`."""
    end = _end(bound, closed=sign in ("\\leq", "\\geq"))
    if end is None:
        return None
    if sign == "\\neq":
        return _complement((Interval(replace(end, closed=True), replace(end, closed=True)),))
    below = sign in ("<", "\\leq")
    if end.tree is None:
        return _EVERYTHING if (end is _ABOVE) == below else None
    return (Interval(_BELOW, end) if below else Interval(end, _ABOVE),)
