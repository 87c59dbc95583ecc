r"""Whether two expressions are the same function of their variables.

Both are evaluated at a few points that depend on the names of the variables only: exactly where they are rational,
else to a hundred digits and, where these agree, to two hundred. Two short expressions that agree there are the same;
where they might not be (sizes out of range, too few points in the domain), the verdict is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain

from omr.answers.doubts import are_apart, equal_beyond_pieces, is_piecewise, is_reparametrised
from omr.answers.evaluation import ROUNDS, compare_at, free_symbols, is_constant, sample, try_at
from omr.answers.trees import Call, Expression, Matrix, Number, RefusalError, Symbol, walk
from omr.answers.values import Exact, InexactError, Point, SizeError, UndefinedError, pseudo_random
from omr.answers.verdict import Verdict, all_equal

_INFINITY = "\\infty"
_RATIONAL = frozenset({"add", "mul", "neg", "div", "pow", "percent"})
_UNDONE = frozenset({"add", "mul", "neg", "pow", "factorial", "binom"})
#: Points to try, and further ones for expressions that are undefined at most of these.
_FAR_ROUNDS = 8
_ENOUGH_REAL, _ENOUGH_WHOLE = 3, 6
_WHOLE_ROUNDS = 12
_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})


def compare_expressions(one: Expression, other: Expression, *, form_counts: bool = True) -> Verdict:
    """Whether the two are equal wherever both are defined. Symmetric.

    With `form_counts`, arithmetic that was left undone in two ways is unknown; without, values decide.
    """
    if one == other:
        return Verdict.EQUAL
    if isinstance(one, Matrix) and isinstance(other, Matrix):
        return _compare_matrices(one, other)
    if _is_base(one) or _is_base(other):
        return _compare_bases(one, other)
    infinite = _infinite_sign(one), _infinite_sign(other)
    if any(infinite):
        return _compare_infinite(one, other, infinite)
    first, second = free_symbols(one), free_symbols(other)
    if _INFINITY in first | second:
        return Verdict.UNKNOWN
    if first and second and isinstance(one, Symbol) and isinstance(other, Symbol) and _are_number_sets(one, other):
        return Verdict.DIFFERENT
    try:
        verdict = _compare_functions(one, other) if first | second else _compare_constants(one, other)
        if verdict is Verdict.DIFFERENT and (first != second or _may_differ_openly(one, other)):
            return Verdict.UNKNOWN  # a problem may say what a variable is, or what one is in terms of another
        if verdict is Verdict.DIFFERENT and first and is_reparametrised(one, other, sorted(first)):
            return Verdict.UNKNOWN
    except (RefusalError, SizeError, UndefinedError, InexactError):
        return Verdict.UNKNOWN
    form_differs = form_counts and _is_undone(one) and _is_undone(other)
    if verdict is Verdict.EQUAL and (form_differs or not equal_beyond_pieces(one, other)):
        return Verdict.UNKNOWN
    return verdict


def _infinite_sign(tree: Expression) -> int:
    if isinstance(tree, Call) and tree.name == "neg":
        return -_infinite_sign(tree.args[0])
    return int(tree == Symbol(_INFINITY))


def _compare_infinite(one: Expression, other: Expression, signs: tuple[int, int]) -> Verdict:
    if all(signs):
        return Verdict.EQUAL if signs[0] == signs[1] else Verdict.DIFFERENT
    finite = other if signs[0] else one
    return Verdict.DIFFERENT if is_constant(finite) else Verdict.UNKNOWN


def _are_number_sets(one: Symbol, other: Symbol) -> bool:
    return all(symbol.name.startswith("\\mathbb") for symbol in (one, other))


def _is_undone(tree: Expression) -> bool:
    r"""Whether this is arithmetic that was left to do: a problem may ask for `6\cdot 2` and not for `3\cdot 4`."""
    plain = all(isinstance(node, Number) or (isinstance(node, Call) and node.name in _UNDONE) for node in walk(tree))
    return plain and any(isinstance(node, Call) and node.name != "neg" for node in walk(tree))


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
    if any(is_piecewise(node) for node in chain(walk(one), walk(other))):
        return Verdict.UNKNOWN
    ratios: list[Fraction] = []
    for turn in range(ROUNDS):
        point = {name: sample(name, turn) for name in free_symbols(one) | free_symbols(other)}
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


def _may_differ_openly(one: Expression, other: Expression) -> bool:
    """Whether a difference may come from not knowing a function, a base, or degrees from radians."""
    if any(_is_open(node) for node in chain(walk(one), walk(other))):
        return True
    return _is_angle(one) != _is_angle(other)


def _is_open(node: Expression) -> bool:
    if not isinstance(node, Call):
        return False
    if node.name in _TRIGONOMETRIC:
        inside = list(walk(node.args[0]))
        said = any(each == Symbol("\\pi") or (isinstance(each, Call) and each.name == "degree") for each in inside)
        return not said and is_constant(node.args[0])
    return ":" in node.name or node.name == "log"


def _is_angle(tree: Expression) -> bool:
    return any(isinstance(node, Call) and node.name.startswith("arc") for node in walk(tree))


def _is_base(tree: Expression) -> bool:
    return isinstance(tree, Call) and tree.name == "base"


def _compare_bases(one: Expression, other: Expression) -> Verdict:
    if isinstance(one, Call) and isinstance(other, Call) and one.name == other.name == "base":
        return Verdict.EQUAL if one.args[0] == other.args[0] else Verdict.DIFFERENT
    based, plain = (one, other) if _is_base(one) else (other, one)
    assert isinstance(based, Call), "one of the two has a base"
    value, digits, _ = based.args
    # The digits alone may be meant in the base that the problem speaks of, and a problem may ask for the base.
    apart = plain != digits and compare_expressions(value, plain) is Verdict.DIFFERENT
    return Verdict.DIFFERENT if apart else Verdict.UNKNOWN


def _compare_matrices(one: Matrix, other: Matrix) -> Verdict:
    if len(one.rows) != len(other.rows) or len(one.rows[0]) != len(other.rows[0]):
        return Verdict.DIFFERENT
    cells = zip(chain.from_iterable(one.rows), chain.from_iterable(other.rows), strict=True)
    return all_equal(compare_expressions(left, right) for left, right in cells)


def _compare_constants(one: Expression, other: Expression) -> Verdict:
    verdict = compare_at({}, one, other)
    if verdict is not Verdict.DIFFERENT:
        return verdict
    return Verdict.DIFFERENT if are_apart(one, other) else Verdict.UNKNOWN


def _compare_functions(one: Expression, other: Expression) -> Verdict:
    names = sorted(free_symbols(one) | free_symbols(other))
    outcomes: list[tuple[Verdict, bool]] = []  # with whether all variables were positive
    for turn, point in enumerate(_points(one, other, names)):
        try:
            verdict = try_at(point, one, other)
        except SizeError:
            if turn < ROUNDS:
                raise
            continue
        if verdict is not Verdict.UNKNOWN:
            outcomes.append((verdict, min(point.values()) > 0))
    if any(verdict is Verdict.DIFFERENT for verdict, _ in outcomes):
        positive = [verdict for verdict, all_positive in outcomes if all_positive]
        # `\\sqrt{x^2}` against `x`: the problem may say that x is positive, or that it is whole.
        open_ = len(positive) >= _ENOUGH_REAL and Verdict.DIFFERENT not in positive
        return Verdict.UNKNOWN if open_ or _all_equal(_at_whole_numbers(one, other, names)) else Verdict.DIFFERENT
    if len(outcomes) >= _ENOUGH_REAL:
        return Verdict.EQUAL
    whole = _at_whole_numbers(one, other, names)
    if Verdict.DIFFERENT in whole:
        return Verdict.DIFFERENT
    # Functions of a counting variable, as `(-1)^n`, have no real values in between.
    return Verdict.EQUAL if not outcomes and _all_equal(whole) else Verdict.UNKNOWN


def _points(one: Expression, other: Expression, names: Sequence[str]) -> Iterator[Point]:
    for turn in range(ROUNDS):
        yield {name: sample(name, turn) for name in names}
    if _is_rational(one) and _is_rational(other):
        return  # what agrees at these agrees everywhere
    reach = _reach(one, other)
    for turn in range(ROUNDS, ROUNDS + _FAR_ROUNDS):
        yield {name: sample(name, turn, reach) for name in names}


def _is_rational(tree: Expression) -> bool:
    for node in walk(tree):
        if isinstance(node, Call):
            if node.name not in _RATIONAL or (node.name == "pow" and not isinstance(node.args[1], Number)):
                return False
            if node.name == "pow" and isinstance(node.args[1], Number) and node.args[1].value.denominator != 1:
                return False
    return True


def _all_equal(verdicts: Sequence[Verdict]) -> bool:
    return verdicts.count(Verdict.EQUAL) >= _ENOUGH_WHOLE and Verdict.DIFFERENT not in verdicts


def _at_whole_numbers(one: Expression, other: Expression, names: Sequence[str]) -> list[Verdict]:
    points = [
        {name: Fraction(pseudo_random(f"{name} whole {turn}").numerator % 7 + turn) for name in names}
        for turn in range(1, _WHOLE_ROUNDS + 1)
    ]
    return [try_at(point, one, other) for point in points]


def _reach(one: Expression, other: Expression) -> Fraction:
    """A size beyond the numbers of both expressions: `\\sqrt{(x-5)^2}` is `5-x` up to there."""
    numbers = [node.value for node in chain(walk(one), walk(other)) if isinstance(node, Number)]
    return Fraction(10 + sum(min(abs(value.numerator) + value.denominator, 10**9) for value in numbers))
