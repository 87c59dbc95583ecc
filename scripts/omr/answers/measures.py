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

#: Letters that may be a variable or a unit where they follow a number.
_UNIT_LETTERS = frozenset("mgshlLNJWVK")
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
    if first is not None and first == second:
        return compare_expressions(one.tree, other.tree)
    if first is None or second is None:
        unit = first or second
        verdict = compare_expressions(one.tree, other.tree)
        if verdict is Verdict.DIFFERENT and (_is_measure(one.tree) or _is_measure(other.tree)):
            return Verdict.UNKNOWN
        # Without its unit the other value may be in another one: 50 cents is 0.5 where dollars are asked for.
        known = unit is not None and unit.dimension is not None
        return Verdict.UNKNOWN if verdict is Verdict.DIFFERENT and known else verdict
    if first.dimension is None or second.dimension is None:
        return Verdict.UNKNOWN
    if first.dimension != second.dimension:
        return Verdict.DIFFERENT
    return compare_expressions(_scaled(one.tree, first.size), _scaled(other.tree, second.size))


def _is_measure(tree: Expression) -> bool:
    """`5 m`, `3 s`: with a variable or a unit?"""
    if not isinstance(tree, Call) or tree.name != "mul" or len(tree.args) != 2:
        return False
    number, letter = tree.args
    if isinstance(letter, Call) and letter.name == "pow":
        letter = letter.args[0]
    return isinstance(number, Number) and isinstance(letter, Symbol) and letter.name in _UNIT_LETTERS


def _scaled(tree: Expression, factor: Fraction) -> Expression:
    return Call("mul", (Number(factor), tree))
