r"""Whether two expressions are the same function of their variables.

Both are evaluated at a few points that depend on the names of the variables only: exactly where they are rational,
else to a hundred digits and, where these agree, to two hundred. Two short expressions that agree there are the same;
where they might not be (sizes out of range, too few points in the domain), the verdict is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from typing import Any

from mpmath import mp  # type: ignore[import-untyped]

from omr.answers.trees import Call, Expression, Matrix, Number, RefusalError, Symbol, walk
from omr.answers.values import Exact, InexactError, Numeric, Point, SizeError, UndefinedError, pseudo_random
from omr.answers.verdict import Verdict, all_equal

_CONSTANTS = frozenset({"\\pi", "e", "i"})
_DIGITS = 100
#: Points to try, and further ones for expressions that are undefined at most of these.
_ROUNDS, _FAR_ROUNDS = 8, 8
_ENOUGH_REAL, _ENOUGH_WHOLE = 3, 6
#: Expressions with decimals in them that are this close may be one value, rounded.
_ROUNDED_WITHIN = 0.01
#: A decimal agrees with an exact value that it rounds only when it is long: 0.33333 is 1/3, 0.33 may not be.
_LONG_DECIMALS, _LONG_DIGITS = 4, 5


def compare_expressions(one: Expression, other: Expression) -> Verdict:
    """Whether the two are equal wherever both are defined. Symmetric."""
    if one == other:
        return Verdict.EQUAL
    if isinstance(one, Matrix) and isinstance(other, Matrix):
        return _compare_matrices(one, other)
    if _is_base(one) or _is_base(other):
        return _compare_bases(one, other)
    names = free_symbols(one) | free_symbols(other)
    try:
        verdict = _compare_functions(one, other) if names else _compare_constants(one, other)
    except (RefusalError, SizeError, UndefinedError, InexactError):
        return Verdict.UNKNOWN
    if verdict is Verdict.DIFFERENT and any(_is_open(node) for node in chain(walk(one), walk(other))):
        return Verdict.UNKNOWN
    return verdict


def free_symbols(tree: Expression) -> set[str]:
    """Names of the variables of a tree."""
    return {node.name for node in walk(tree) if isinstance(node, Symbol)} - _CONSTANTS


def is_constant(tree: Expression) -> bool:
    """Whether the tree has a value without knowing any variable or unknown function."""
    return not free_symbols(tree) and not any(isinstance(node, Call) and ":" in node.name for node in walk(tree))


def expand_signs(tree: Expression) -> list[Expression]:
    r"""The two expressions that one with `\pm` or `\mp` stands for (all of its signs turn together), or itself."""
    if not any(isinstance(node, Call) and node.name in ("pm", "mp") for node in walk(tree)):
        return [tree]
    return [_with_signs(tree, plus="pm"), _with_signs(tree, plus="mp")]


def _with_signs(tree: Expression, *, plus: str) -> Expression:
    if not isinstance(tree, Call):
        return tree
    args = tuple(_with_signs(arg, plus=plus) for arg in tree.args)
    if tree.name not in ("pm", "mp"):
        return replace(tree, args=args)
    return Call("add", (args[0], args[1] if tree.name == plus else Call("neg", (args[1],))))


def ratio_is_constant(one: Expression, other: Expression, *, positive: bool) -> Verdict:
    """Whether `one` is a constant (`positive`: and positive) multiple of `other`: then they vanish together."""
    if not free_symbols(one) or not free_symbols(other):
        return Verdict.UNKNOWN  # numbers are multiples of each other whatever they say
    ratios: list[Fraction] = []
    for turn in range(_ROUNDS):
        point = {name: _sample(name, turn) for name in free_symbols(one) | free_symbols(other)}
        try:
            first, second = Exact().value(one, point), Exact().value(other, point)
        except (ArithmeticError, RefusalError):
            return Verdict.UNKNOWN
        if isinstance(first, list) or isinstance(second, list):
            return Verdict.UNKNOWN
        if first and second:
            ratios.append(first / second)
        elif first or second:
            return Verdict.UNKNOWN
    if len(ratios) < _ENOUGH_REAL or len(set(ratios)) > 1 or (positive and ratios[0] < 0):
        return Verdict.UNKNOWN
    return Verdict.EQUAL


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


def _is_open(node: Expression) -> bool:
    """Whether a difference may come from not knowing a function or base: then nothing is shown to be different."""
    return isinstance(node, Call) and (":" in node.name or node.name == "log")


def _is_base(tree: Expression) -> bool:
    return isinstance(tree, Call) and tree.name == "base"


def _compare_bases(one: Expression, other: Expression) -> Verdict:
    if isinstance(one, Call) and isinstance(other, Call) and one.name == other.name == "base":
        return Verdict.EQUAL if one.args[0] == other.args[0] else Verdict.DIFFERENT
    based, plain = (one, other) if _is_base(one) else (other, one)
    assert isinstance(based, Call), "one of the two has a base"
    value, digits, _ = based.args
    # The digits alone may be meant in the base that the problem speaks of.
    return Verdict.UNKNOWN if plain == digits != value else compare_expressions(value, plain)


def _compare_matrices(one: Matrix, other: Matrix) -> Verdict:
    if len(one.rows) != len(other.rows) or len(one.rows[0]) != len(other.rows[0]):
        return Verdict.DIFFERENT
    cells = zip(chain.from_iterable(one.rows), chain.from_iterable(other.rows), strict=True)
    return all_equal(compare_expressions(left, right) for left, right in cells)


def _compare_constants(one: Expression, other: Expression) -> Verdict:
    verdict = _compare_at({}, one, other)
    if verdict is not Verdict.DIFFERENT:
        return verdict
    rounded = any(isinstance(node, Number) and node.decimals is not None for node in chain(walk(one), walk(other)))
    return _compare_rounded(one, other) if rounded or _decimal(one) or _decimal(other) else verdict


def _decimal(tree: Expression) -> Number | None:
    """The numeral of a decimal fraction, or of a percentage, with or without sign."""
    if isinstance(tree, Call) and tree.name == "neg":
        tree = tree.args[0]
    if isinstance(tree, Call) and tree.name == "percent" and isinstance(tree.args[0], Number):
        return Number(tree.args[0].value / 100, (tree.args[0].decimals or 0) + 2)
    return tree if isinstance(tree, Number) and tree.decimals is not None else None


def _compare_rounded(one: Expression, other: Expression) -> Verdict:
    """Different constants, some of them decimals: perhaps one value, rounded."""
    first, second = real_value(one), real_value(other)
    if first is None or second is None:
        return Verdict.DIFFERENT
    decimals = [number for number in (_decimal(one), _decimal(other)) if number is not None]
    if not decimals:
        near = abs(first - second) < max(abs(first), abs(second)) * _ROUNDED_WITHIN
        return Verdict.UNKNOWN if near else Verdict.DIFFERENT
    coarse = min(decimals, key=lambda number: number.decimals or 0)
    places = coarse.decimals or 0
    unit = mp.mpf(10) ** -places
    if abs(first - second) > unit * (1 + mp.mpf(2) ** -40):
        return Verdict.DIFFERENT
    exact = second if _decimal(one) is not None else first
    digits = len(str(abs(coarse.value.numerator * 10**places // coarse.value.denominator)))
    long = places >= _LONG_DECIMALS and digits >= _LONG_DIGITS
    return Verdict.EQUAL if long and len(decimals) == 1 and not mp.isint(exact / unit) else Verdict.UNKNOWN


def _compare_functions(one: Expression, other: Expression) -> Verdict:
    names = sorted(free_symbols(one) | free_symbols(other))
    outcomes: list[tuple[Verdict, bool]] = []  # with whether all variables were positive
    for turn in range(_ROUNDS + _FAR_ROUNDS):
        if turn >= _ROUNDS and len(outcomes) >= _ENOUGH_REAL:
            break
        point = {name: _sample(name, turn) for name in names}
        verdict = _try_at(point, one, other)
        if verdict is not Verdict.UNKNOWN:
            outcomes.append((verdict, min(point.values()) > 0))
    if any(verdict is Verdict.DIFFERENT for verdict, _ in outcomes):
        positive = [verdict for verdict, all_positive in outcomes if all_positive]
        # `\sqrt{x^2}` against `x`: the problem may say that x is positive.
        open_ = len(positive) >= _ENOUGH_REAL and Verdict.DIFFERENT not in positive
        return Verdict.UNKNOWN if open_ else Verdict.DIFFERENT
    if len(outcomes) >= _ENOUGH_REAL:
        return Verdict.EQUAL
    return _compare_at_whole_numbers(one, other, names)


def _compare_at_whole_numbers(one: Expression, other: Expression, names: Sequence[str]) -> Verdict:
    """For functions of a counting variable, as `(-1)^n`, which have no real values in between."""
    verdicts = [
        _try_at({name: Fraction(turn + shift) for shift, name in enumerate(names)}, one, other)
        for turn in range(1, _ENOUGH_WHOLE + 3)
    ]
    if Verdict.DIFFERENT in verdicts:
        return Verdict.DIFFERENT
    return Verdict.EQUAL if verdicts.count(Verdict.EQUAL) >= _ENOUGH_WHOLE else Verdict.UNKNOWN


def _sample(name: str, turn: int) -> Fraction:
    """The value of a variable at one of the points: first up to 3, then of either sign, then far out."""
    value = pseudo_random(f"{name} {turn}")
    if turn >= _ROUNDS:
        return 10 * value
    if turn % 2 == 0:
        value /= 3  # below one, where inverse sines are defined
    mixed = turn >= _ROUNDS // 2
    return -value if mixed and value.numerator % 2 else value


def _try_at(point: Point, one: Expression, other: Expression) -> Verdict:
    try:
        return _compare_at(point, one, other)
    except UndefinedError:
        return Verdict.UNKNOWN


def _compare_at(point: Point, one: Expression, other: Expression) -> Verdict:
    try:
        first, second = Exact().value(one, point), Exact().value(other, point)
    except (InexactError, SizeError):
        return _compare_numerically(point, one, other)
    if isinstance(first, list) != isinstance(second, list):
        return Verdict.DIFFERENT
    return Verdict.EQUAL if first == second else Verdict.DIFFERENT


def _compare_numerically(point: Point, one: Expression, other: Expression) -> Verdict:
    allow_complex = any(node == Symbol("i") for node in chain(walk(one), walk(other)))
    gaps, extreme = [], False
    for digits in (_DIGITS, 2 * _DIGITS):
        with mp.workdps(digits):
            arithmetic = Numeric(allow_complex=allow_complex)
            first, second = _cells(arithmetic.value(one, point)), _cells(arithmetic.value(other, point))
            if len(first) != len(second):
                return Verdict.DIFFERENT
            gaps.append(max(_gap(left, right) for left, right in zip(first, second, strict=True)))
            extreme = extreme or arithmetic.extreme
    coarse, fine = gaps
    if fine > mp.mpf(10) ** (-_DIGITS // 2) * max(coarse, mp.mpf(10) ** -_DIGITS):
        # It did not shrink with the precision: a true difference, unless all digits were lost on the way.
        return Verdict.DIFFERENT if abs(coarse - fine) <= fine / 1000 else Verdict.UNKNOWN
    return Verdict.UNKNOWN if extreme else Verdict.EQUAL


def _cells(value: Any) -> list[Any]:
    return [cell for row in value for cell in row] if isinstance(value, list) else [value]


def _gap(left: Any, right: Any) -> Any:
    return abs(left - right) / max(abs(left), abs(right), mp.mpf(1))
