r"""Whether two values with their units, percent and degree signs are the same.

`10 cm` is `10` and is `100 mm`, but not `10 m`. `10\%` is `10` and is `0.1`; `90^\circ` is `90` and is `\pi/2`.
"""

from __future__ import annotations

from fractions import Fraction

from omr.answers.algebra import compare_expressions
from omr.answers.forms import Value
from omr.answers.trees import Call, Expression, Number, Symbol
from omr.answers.units import Unit
from omr.answers.verdict import Verdict, any_equal
from omr.answers.vocabulary import UNIT_LETTERS
from omr.files.patterns import lazy

#: Letters that may be a variable or a unit where they follow a number.
_MEASURING_LETTERS = UNIT_LETTERS | frozenset("VKAC")
_GENERIC = "any"
_LENGTHS = lazy(rf"(?:{_GENERIC}|length)((?:\^\d)?)")
_RADIANS = Unit("rad", "angle")


def compare_values(one: Value, other: Value) -> Verdict:
    """Whether two values are the same. Symmetric."""
    for sign in ("percent", "degree"):
        inner, outer = _inside(one, sign), _inside(other, sign)
        if inner is not None and outer is not None:
            return compare_values(inner, outer)
        if inner is not None or outer is not None:
            if one.unit or other.unit:
                return _compare_angles(one, other) if sign == "degree" else Verdict.UNKNOWN
            bare = _compare_measures(inner or one, outer or other)
            return any_equal([bare, _compare_measures(one, other)])
    return _compare_measures(one, other)


def _compare_angles(one: Value, other: Value) -> Verdict:
    """`45^\\circ` and a value with a unit: the same number of degrees is meant only if that unit is radians."""
    if {one.unit, other.unit} != {None, _RADIANS}:
        return Verdict.UNKNOWN
    return compare_expressions(one.tree, other.tree)


def _inside(value: Value, sign: str) -> Value | None:
    """`x` of `x%`, of `-x%`; None where there is no such sign."""
    tree = value.tree
    if isinstance(tree, Call) and tree.name == "neg":
        inner = _inside(Value(tree.args[0], value.unit), sign)
        return inner and Value(Call("neg", (inner.tree,)), value.unit)
    return Value(tree.args[0], value.unit) if isinstance(tree, Call) and tree.name == sign else None


def _compare_measures(one: Value, other: Value) -> Verdict:
    first, second = one.unit, other.unit
    if first is None and second is None:
        verdict = compare_expressions(one.tree, other.tree)
        apart = verdict is Verdict.DIFFERENT and not _may_be_respelled(one.tree, other.tree)
        return Verdict.UNKNOWN if verdict is Verdict.DIFFERENT and not apart else verdict
    if first is None or second is None:
        # Without its unit the other value may be in another one: 50 cents is 0.5 where dollars are asked for.
        verdict = compare_expressions(one.tree, other.tree)
        compound = any(unit is not None and unit.compound for unit in (first, second))
        return Verdict.EQUAL if verdict is Verdict.EQUAL and not compound else Verdict.UNKNOWN
    if first.dimension is None or second.dimension is None:
        return compare_expressions(one.tree, other.tree) if first == second else Verdict.UNKNOWN
    if first.dimension != second.dimension:
        return _compare_dimensions(first, second)
    scaled = _scaled(one.tree, first.size), _scaled(other.tree, second.size)
    return compare_expressions(*scaled, form_counts=False)


def _compare_dimensions(one: Unit, other: Unit) -> Verdict:
    """Whether units of two dimensions can measure the same: never equal, perhaps only unknown."""
    first, second = str(one.dimension), str(other.dimension)
    if first.split()[0] == second.split()[0] or ("m" in (one.name, other.name) and "time" in (first, second)):
        return Verdict.UNKNOWN  # money of two countries; `m`, which may be metres or minutes
    if _GENERIC in (first.partition("^")[0], second.partition("^")[0]):
        powers = [_LENGTHS.fullmatch(dimension) for dimension in (first, second)]
        apart = powers[0] and powers[1] and powers[0][1] != powers[1][1]
        return Verdict.DIFFERENT if apart else Verdict.UNKNOWN
    return Verdict.DIFFERENT


def _may_be_respelled(one: Expression, other: Expression) -> bool:
    """`5 m` with a variable or a unit; `1.234` with a decimal point or a separator of thousands."""
    if _is_measure(one) or _is_measure(other):
        return True
    numbers = [tree for tree in (one, other) if isinstance(tree, Number)]
    return len(numbers) == 2 and any(
        point.decimals == 3 and point.value * 1000 == whole.value for point, whole in (numbers, numbers[::-1])
    )


def _is_measure(tree: Expression) -> bool:
    if not isinstance(tree, Call) or tree.name != "mul" or len(tree.args) != 2:
        return False
    number, letter = tree.args
    if isinstance(letter, Call) and letter.name == "pow":
        letter = letter.args[0]
    return isinstance(number, Number) and isinstance(letter, Symbol) and letter.name in _MEASURING_LETTERS


def _scaled(tree: Expression, factor: Fraction) -> Expression:
    return Call("mul", (Number(factor), tree))
