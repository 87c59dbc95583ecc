r"""Two expressions side by side at a point, and what a tree's variables are.

Values are exact where they are rational, else computed to a hundred digits and, where these agree, to two hundred.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import chain
from typing import Any

from mpmath import mp  # type: ignore[import-untyped]

from omr.answers.trees import Call, Expression, RefusalError, Symbol, walk
from omr.answers.values import Exact, InexactError, Numeric, Point, SizeError, UndefinedError, pseudo_random
from omr.answers.verdict import Verdict

_CONSTANTS = frozenset({"\\pi", "e", "i"})
_DIGITS = 100
_CERTAIN_GAP = 1e-10
#: Points near zero; those that are tried after them lie far out.
ROUNDS = 8


def free_symbols(tree: Expression) -> set[str]:
    """Names of the variables of a tree."""
    return {node.name for node in walk(tree) if isinstance(node, Symbol)} - _CONSTANTS


def is_constant(tree: Expression) -> bool:
    """Whether the tree has a value without knowing any variable or unknown function."""
    return not free_symbols(tree) and not any(isinstance(node, Call) and ":" in node.name for node in walk(tree))


def real_value(tree: Expression) -> Any | None:
    """An approximate value of a real constant, for putting values in order; None if it has none."""
    if not is_constant(tree):
        return None
    try:
        with mp.workdps(_DIGITS):
            value = Numeric(allow_complex=False).value(tree, {})
    except (ArithmeticError, RefusalError):
        return None
    return None if isinstance(value, list) else value


def sample(name: str, turn: int, reach: Fraction = Fraction(10)) -> Fraction:
    """The value of a variable at one of the points: first up to 3, then of either sign, then far out."""
    value = pseudo_random(f"{name} {turn}")
    if turn >= ROUNDS:
        far = value * (reach if turn % 4 < 2 else 10)
        return far if turn % 2 == 0 else -far
    if turn % 2 == 0:
        value /= 3  # below one, where inverse sines are defined
    mixed = turn >= ROUNDS // 2
    return -value if mixed and value.numerator % 2 else value


def try_at(point: Point, one: Expression, other: Expression) -> Verdict:
    """Whether two expressions have the same value at a point; unknown where one has none.

    Raises: SizeError, RefusalError
    """
    try:
        return compare_at(point, one, other)
    except UndefinedError:
        return Verdict.UNKNOWN


def compare_at(point: Point, one: Expression, other: Expression) -> Verdict:
    """As `try_at`, but raises UndefinedError where an expression has no value."""
    try:
        first, second = Exact().value(one, point), Exact().value(other, point)
    except (InexactError, SizeError):
        return _compare_numerically(point, one, other)
    if isinstance(first, list) != isinstance(second, list):
        return Verdict.DIFFERENT
    return Verdict.EQUAL if first == second else Verdict.DIFFERENT


def agree(one: Expression, other: Expression, rounds: int = 4) -> bool:
    """Whether two expressions agree at the first points, all positive, and at one of them at least."""
    names = sorted(free_symbols(one) | free_symbols(other))
    seen = False
    for turn in range(rounds):
        verdict = try_at({name: sample(name, turn) for name in names}, one, other)
        if verdict is Verdict.DIFFERENT:
            return False
        seen = seen or verdict is Verdict.EQUAL
    return seen


def _compare_numerically(point: Point, one: Expression, other: Expression) -> Verdict:
    allow_complex = any(node == Symbol("i") for node in chain(walk(one), walk(other)))
    gaps, extreme = [], False
    for digits in (_DIGITS, 2 * _DIGITS):
        with mp.workdps(digits):
            (first, is_extreme), (second, also_extreme) = (_nearly(tree, point, allow_complex) for tree in (one, other))
            if len(first) != len(second):
                return Verdict.DIFFERENT
            gaps.append(max(_gap(left, right) for left, right in zip(first, second, strict=True)))
            extreme = extreme or is_extreme or also_extreme
        if gaps[0] > _CERTAIN_GAP and not extreme:
            return Verdict.DIFFERENT  # ninety digits would have to be lost, and nothing was of such a size
    coarse, fine = gaps
    if fine > mp.mpf(10) ** (-_DIGITS // 2) * max(coarse, mp.mpf(10) ** -_DIGITS):
        # It did not shrink with the precision: a true difference, unless all digits were lost on the way.
        return Verdict.DIFFERENT if abs(coarse - fine) <= fine / 1000 else Verdict.UNKNOWN
    return Verdict.UNKNOWN if extreme else Verdict.EQUAL


def _nearly(tree: Expression, point: Point, allow_complex: bool) -> tuple[list[Any], bool]:
    """The value's cells to the digits of mpmath's context, and whether sizes left the trusted range."""
    if not point:
        return _constant(tree, allow_complex, mp.dps)
    arithmetic = Numeric(allow_complex=allow_complex)
    return _cells(arithmetic.value(tree, point)), arithmetic.extreme


@lru_cache(maxsize=256)
def _constant(tree: Expression, allow_complex: bool, digits: int) -> tuple[list[Any], bool]:
    """As `_nearly`, with the context's digits given: the answers to one problem are compared with each other."""
    arithmetic = Numeric(allow_complex=allow_complex)
    return _cells(arithmetic.value(tree, {})), arithmetic.extreme


def _cells(value: Any) -> list[Any]:
    return [cell for row in value for cell in row] if isinstance(value, list) else [value]


def _gap(left: Any, right: Any) -> Any:
    return abs(left - right) / max(abs(left), abs(right), mp.mpf(1))
