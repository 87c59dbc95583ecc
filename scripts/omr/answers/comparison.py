r"""Whether two answers are the same: forms are compared part by part, expressions by omr.answers.algebra.

EQUAL and DIFFERENT are proofs, from forms that were read to the last token; all else is UNKNOWN. Conventions,
each without regard to the order of the two:
* A name adds nothing where the other answer has none: `x = 2` is `2`. Nor does a unit: `10 cm` is `10`. Two units must
  agree: `5 cm` is not `5 m`, and is `50 mm`.
* `10\%` is `10` and is `0.1`; `90^\circ` is `90` and is `\pi/2`. (So equality is not transitive there.)
* A set is not a tuple. A list without brackets is a tuple or set of the same elements in the same order; in another
  order it may or may not be meant as the same, which is unknown, unless `or`, `\pm`, names or braces say so.
* A decimal is what it is, and no number that it rounds; it differs from what it cannot round. Where a value is given
  as approximate, its decimal is that value.
* Arithmetic left undone is its value (`6 \cdot 7` is `42`), but in two ways unknown: the problem may ask for one.
* A variable may be a constant by any name, or the parameter of a family: different names, shifts and permutations of
  parameters, and functions that agree at whole numbers are unknown, not different.
* Words are compared without regard to case, variables with it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any, cast

from omr.answers.algebra import compare_expressions, ratio_is_constant
from omr.answers.clock import twelve_hours_apart
from omr.answers.evaluation import free_symbols
from omr.answers.final_answer import joined_boxes
from omr.answers.forms import (
    Approximate,
    Braced,
    Choice,
    Clock,
    Fence,
    Form,
    Named,
    Opaque,
    Parts,
    Ratio,
    Relation,
    Several,
    Union,
    Value,
    Without,
    Words,
)
from omr.answers.listed import compare_braced, compare_fence, compare_several, in_order
from omr.answers.measures import compare_values
from omr.answers.reading import read_answer
from omr.answers.regions import compare_regions
from omr.answers.spelling import MAX_ANSWER_CHARS, normalise_answer
from omr.answers.trees import Call, Expression, Matrix, Number, Symbol
from omr.answers.verdict import Verdict, all_equal
from omr.answers.worded import compare_words


def compare_answers(one: str, other: str) -> Verdict:
    """Whether two answers are the same. Symmetric and pure.

    May take long for hostile text and is meant for processes that may be killed: ask omr.answers.equivalence.
    """
    if max(len(one), len(other)) > MAX_ANSWER_CHARS:
        return Verdict.UNKNOWN
    one, other = joined_boxes(one) or one, joined_boxes(other) or other
    first, second = normalise_answer(one), normalise_answer(other)
    if not first or not second:
        return Verdict.UNKNOWN  # nothing is no answer, not even the same one
    if first == second:
        return Verdict.EQUAL
    return compare_forms(read_answer(one), read_answer(other))


def compare_forms(one: Form, other: Form) -> Verdict:
    """Whether two forms mean the same answer. Symmetric."""
    if one == other:
        return Verdict.EQUAL
    for kind, compare in _RULES:
        if isinstance(one, kind):
            return compare(one, other)
        if isinstance(other, kind):
            return compare(other, one)
    return Verdict.UNKNOWN


# Wrappings: options, names, approximations


def _compare_choice(one: Choice, other: Form) -> Verdict:
    if isinstance(other, Choice):
        same = compare_forms(one.content, other.content)
        if one.letter != other.letter:
            return Verdict.UNKNOWN if same is Verdict.EQUAL else Verdict.DIFFERENT
        return Verdict.EQUAL if same is Verdict.EQUAL else Verdict.UNKNOWN
    if other == Value(Symbol(one.letter)):
        return Verdict.EQUAL
    if isinstance(other, Value) and _names_option(other):
        return Verdict.DIFFERENT
    return compare_forms(one.content, other)


def _compare_parts(one: Parts, other: Form) -> Verdict:
    if not isinstance(other, Parts) or one.labels != other.labels:
        return Verdict.UNKNOWN
    return all_equal(compare_forms(left, right) for left, right in zip(one.answers, other.answers, strict=True))


def _compare_clock(one: Clock, other: Form) -> Verdict:
    if not isinstance(other, Clock):
        return Verdict.UNKNOWN
    if (one.half is not None and other.half is not None) or not twelve_hours_apart(one, other):
        return Verdict.EQUAL if one.seconds == other.seconds else Verdict.DIFFERENT
    return Verdict.UNKNOWN  # the same on the dial


def _compare_named(one: Named, other: Form) -> Verdict:
    if isinstance(other, Named):
        return _compare_two_named(one, other)
    if isinstance(other, Relation):
        if one.is_equation:
            return _compare_equations(one, other)
        return compare_regions(one, other) if _unknowns(other) == _symbols(one.name) else Verdict.UNKNOWN
    assigned = _assignments(one)
    if isinstance(other, Several) and any(isinstance(item, Named) for item in other.items):
        return Verdict.UNKNOWN if assigned is None else compare_forms(Several(tuple(assigned)), other)
    verdict = compare_forms(one.value, other)
    if verdict is Verdict.DIFFERENT and _has_free_constants(one):
        return Verdict.UNKNOWN
    unsorted = assigned is not None and not in_order([item.name for item in assigned])
    return Verdict.UNKNOWN if unsorted else verdict


def _has_free_constants(named: Named) -> bool:
    """Whether the value holds letters that its name does not explain: `f(x) = cx`, where `c` may be called anything."""
    if not isinstance(named.value, Value):
        return False
    function = _function_of(named.name)
    symbols = free_symbols(named.value.tree)
    if function is not None:
        return bool(symbols - free_symbols(function))
    return len(symbols) > 1 or isinstance(named.value.tree, Symbol)


def _compare_two_named(one: Named, other: Named) -> Verdict:
    verdict = Verdict.UNKNOWN
    if compare_forms(one.name, other.name) is Verdict.EQUAL:
        verdict = compare_forms(one.value, other.value)
    else:
        renamed = _with_arguments_of(one, other)
        if renamed is None:
            return _compare_equations(one, other)
        verdict = compare_forms(one.value, renamed)
    constants = _has_free_constants(one) or _has_free_constants(other)
    return Verdict.UNKNOWN if verdict is Verdict.DIFFERENT and constants else verdict


def _with_arguments_of(one: Named, other: Named) -> Form | None:
    """The value of `other` with its variables called as in `one`: `f(t) = t^2` says the same as `f(x) = x^2`."""
    first, second = _function_of(one.name), _function_of(other.name)
    if first is None or second is None:
        return None
    if first.name != second.name or len(first.args) != len(second.args):
        return None
    names = dict(zip(second.args, first.args, strict=True))
    if len(names) != len(second.args) or len(set(first.args)) != len(first.args):
        return None
    if not _arguments_occur(one, first) or not _arguments_occur(other, second):
        return None  # `P(A) = 1/2` is not about every A
    return _renamed(other.value, names)


def _arguments_occur(named: Named, function: Call) -> bool:
    items = named.value.items if isinstance(named.value, Several) else (named.value,)
    found = [free_symbols(item.tree) for item in items if isinstance(item, Value)]
    return bool(found) and free_symbols(function) <= set().union(*found)


def _renamed(form: Form, names: dict[Expression, Expression]) -> Form | None:
    if isinstance(form, Value):
        return Value(_substituted(form.tree, names), form.unit)
    if not isinstance(form, Several) or not all(isinstance(item, Value) for item in form.items):
        return None
    values = [item for item in form.items if isinstance(item, Value)]
    return Several(tuple(Value(_substituted(each.tree, names), each.unit) for each in values), form.unordered)


def _function_of(name: Form) -> Call | None:
    if not isinstance(name, Value) or not isinstance(name.tree, Call) or not name.tree.name.startswith("apply:"):
        return None
    return name.tree if all(isinstance(arg, Symbol) for arg in name.tree.args) else None


def _substituted(tree: Expression, names: dict[Expression, Expression]) -> Expression:
    if isinstance(tree, Call):
        return Call(tree.name, tuple(_substituted(arg, names) for arg in tree.args))
    if isinstance(tree, Matrix):
        return Matrix(tuple(tuple(_substituted(cell, names) for cell in row) for row in tree.rows))
    return names.get(tree, tree)


def _compare_approximate(one: Approximate, other: Form) -> Verdict:
    if not _is_sound(one) or (isinstance(other, Approximate) and not _is_sound(other)):
        return Verdict.UNKNOWN
    if isinstance(other, Approximate):
        if one.exact is not None and other.exact is not None:
            return compare_forms(one.exact, other.exact)
        same = compare_forms(one.rounded, other.rounded)
        return Verdict.EQUAL if same is Verdict.EQUAL else Verdict.UNKNOWN
    exactly = Verdict.UNKNOWN if one.exact is None else compare_forms(one.exact, other)
    rounded = compare_forms(one.rounded, other)
    if exactly is Verdict.EQUAL or (rounded is Verdict.EQUAL and _is_numeral(other)):
        return Verdict.EQUAL
    return exactly if exactly is rounded else Verdict.UNKNOWN


def _is_sound(approximate: Approximate) -> bool:
    """Whether what was rounded can be what it was rounded to."""
    exact = approximate.exact
    return exact is None or compare_forms(exact, approximate.rounded) is not Verdict.DIFFERENT


def _is_numeral(form: Form) -> bool:
    tree = form.tree if isinstance(form, Value) else None
    return isinstance(tree.args[0] if isinstance(tree, Call) and tree.name == "neg" else tree, Number)


def _assignments(named: Named) -> list[Named] | None:
    """`(x, y) = (1, 2)` as `x = 1`, `y = 2`."""
    if not isinstance(named.name, Fence) or not isinstance(named.value, Fence):
        return None
    if len(named.name.items) != len(named.value.items):
        return None
    return [Named(name, value) for name, value in zip(named.name.items, named.value.items, strict=True)]


# Relations and sets of numbers


def _compare_relation(one: Relation, other: Form) -> Verdict:
    if not isinstance(other, Relation):
        return compare_regions(one, other)
    verdict = compare_regions(one, other)
    if verdict is not Verdict.UNKNOWN:
        return _with_same_unknown(one, other, verdict)
    one, other = _upwards(one), _upwards(other)
    if one.signs == other.signs:
        sides = zip(one.sides, other.sides, strict=True)
        if all_equal(compare_forms(left, right) for left, right in sides) is Verdict.EQUAL:
            return Verdict.EQUAL
    return _compare_equations(one, other)


def _with_same_unknown(one: Relation, other: Relation, verdict: Verdict) -> Verdict:
    return verdict if _unknowns(one) == _unknowns(other) or verdict is Verdict.DIFFERENT else Verdict.UNKNOWN


def _unknowns(relation: Relation) -> set[str]:
    return {name for side in relation.sides for name in _symbols(side)} - {"\\infty"}


def _symbols(form: Form) -> set[str]:
    return free_symbols(form.tree) if isinstance(form, Value) else set()


_TURNED = {">": "<", "\\geq": "\\leq"}


def _upwards(relation: Relation) -> Relation:
    """The same chain from the smaller to the larger side."""
    if not _TURNED.keys() & set(relation.signs):
        return relation
    return Relation(relation.sides[::-1], tuple(_TURNED.get(sign, sign) for sign in reversed(relation.signs)))


def _compare_equations(one: Form, other: Form) -> Verdict:
    """Relations of two sides, brought to one side: the same up to a factor, or nothing is known."""
    first, second = _one_sided(one), _one_sided(other)
    if first is None or second is None or first[1] != second[1]:
        return Verdict.UNKNOWN
    return ratio_is_constant(first[0], second[0], positive=first[1] in ("<", "\\leq"))


def _one_sided(form: Form) -> tuple[Expression, str] | None:
    if isinstance(form, Named) and form.is_equation:
        form = Relation((form.name, form.value), ("=",))
    if not isinstance(form, Relation) or len(form.sides) != 2:
        return None
    form = _upwards(form)
    trees = [side.tree for side in form.sides if isinstance(side, Value | Words) and not _unit_of(side)]
    if len(trees) != 2 or None in trees:
        return None
    left, right = cast(list[Expression], trees)
    return Call("add", (left, Call("neg", (right,)))), form.signs[0]


def _unit_of(form: Value | Words) -> bool:
    return isinstance(form, Value) and form.unit is not None


def _compare_union(one: Union | Without, other: Form) -> Verdict:
    verdict = compare_regions(one, other)
    if verdict is Verdict.UNKNOWN and isinstance(one, Union) and isinstance(other, Union):
        first, second = (Fence("\\{", union.parts, "\\}") for union in (one, other))
        return Verdict.EQUAL if compare_fence(first, second, compare_forms) is Verdict.EQUAL else Verdict.UNKNOWN
    return verdict


# Ratios and values


def _compare_ratio(one: Ratio, other: Form) -> Verdict:
    if isinstance(other, Ratio):
        if len(one.parts) != len(other.parts):
            return Verdict.DIFFERENT
        crossed = [
            compare_expressions(
                Call("mul", (one.parts[i], other.parts[j])),
                Call("mul", (one.parts[j], other.parts[i])),
                form_counts=False,
            )
            for i, j in combinations(range(min(len(one.parts), _MAX_RATIO)), 2)
        ]
        verdict = all_equal(crossed)
        if (_may_be_time(one) or _may_be_time(other)) and verdict is Verdict.EQUAL:
            return Verdict.UNKNOWN
        return Verdict.UNKNOWN if len(one.parts) > _MAX_RATIO else verdict
    if isinstance(other, Value) and len(one.parts) == 2:
        return compare_forms(Value(Call("div", one.parts)), other)
    return Verdict.UNKNOWN


def _may_be_time(ratio: Ratio) -> bool:
    """Whether it could be a time of day."""
    values = [part.value for part in ratio.parts if isinstance(part, Number)]
    return len(values) == len(ratio.parts) == 2 and values[0] <= 24 and 10 <= values[1] < 60


_MAX_RATIO = 8


def _compare_value(one: Value, other: Form) -> Verdict:
    if not isinstance(other, Value):
        return Verdict.UNKNOWN
    if one != other and _names_option(one) and _names_option(other):
        return Verdict.DIFFERENT
    return compare_values(one, other)


def _names_option(value: Value) -> bool:
    return isinstance(value.tree, Symbol) and len(value.tree.name) == 1 and "A" <= value.tree.name <= "J"


#: The first rule whose kind either answer is of decides; the rule gets that one first.
_RULES: tuple[tuple[type[Form], Callable[[Any, Form], Verdict]], ...] = (
    (Opaque, lambda one, other: Verdict.UNKNOWN),
    (Parts, _compare_parts),
    (Choice, _compare_choice),
    (Approximate, _compare_approximate),
    (Named, _compare_named),
    (Braced, lambda one, other: compare_braced(one, other, compare_forms)),
    (Relation, _compare_relation),
    (Several, lambda one, other: compare_several(one, other, compare_forms)),
    (Union, _compare_union),
    (Without, _compare_union),
    (Clock, _compare_clock),
    (Words, compare_words),
    (Fence, lambda one, other: compare_fence(one, other, compare_forms)),
    (Ratio, _compare_ratio),
    (Value, _compare_value),
)
