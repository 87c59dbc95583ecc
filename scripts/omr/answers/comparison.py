r"""Whether two answers are the same: forms are compared part by part, expressions by omr.answers.algebra.

Conventions, each without regard to the order of the two:
* A name adds nothing where the other answer has none: `x = 2` is `2`. Nor does a unit: `10 cm` is `10`. Two units must
  agree: `5 cm` is not `5 m`, and is `50 mm`.
* `10\%` is `10` and is `0.1`; `90^\circ` is `90` and is `\pi/2`. (So equality is not transitive there.)
* A set is not a tuple. A list without brackets is a tuple or set of the same elements in the same order; in another
  order it may or may not be meant as the same, which is unknown, unless `or`, `\pm`, names or braces say so.
* Words are compared without regard to case, variables with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, cast

from omr.answers.algebra import compare_expressions, free_symbols, ratio_is_constant
from omr.answers.final_answer import joined_boxes
from omr.answers.forms import (
    Approximate,
    Choice,
    Fence,
    Form,
    Named,
    Opaque,
    Ratio,
    Relation,
    Several,
    Union,
    Value,
    Without,
    Words,
)
from omr.answers.measures import compare_values
from omr.answers.reading import read_answer
from omr.answers.regions import compare_regions, is_region
from omr.answers.spelling import MAX_ANSWER_CHARS, normalise_answer
from omr.answers.trees import Call, Expression, Matrix, Number, Symbol
from omr.answers.verdict import Verdict, all_equal, any_equal

_MAX_ELEMENTS = 64


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
        if one.letter != other.letter:
            return Verdict.DIFFERENT
        return Verdict.EQUAL if compare_forms(one.content, other.content) is Verdict.EQUAL else Verdict.UNKNOWN
    if other == Value(Symbol(one.letter)):
        return Verdict.EQUAL
    if isinstance(other, Value) and isinstance(other.tree, Symbol) and "A" <= other.tree.name <= "J":
        return Verdict.DIFFERENT
    return compare_forms(one.content, other)


def _compare_named(one: Named, other: Form) -> Verdict:
    if isinstance(other, Named):
        return _compare_two_named(one, other)
    if isinstance(other, Relation):
        if one.is_equation:
            return _compare_equations(one, other)
        return compare_regions(one, other) if _unknowns(other) == _symbols(one.name) else Verdict.UNKNOWN
    if isinstance(other, Several) and any(isinstance(item, Named) for item in other.items):
        assigned = _assignments(one)
        return Verdict.UNKNOWN if assigned is None else _compare_sets(assigned, other.items)
    return compare_forms(one.value, other)


def _compare_two_named(one: Named, other: Named) -> Verdict:
    if compare_forms(one.name, other.name) is Verdict.EQUAL:
        return compare_forms(one.value, other.value)
    renamed = _with_arguments_of(one, other)
    if renamed is not None:
        return compare_forms(one.value, renamed)
    return _compare_equations(one, other)


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
    return _renamed(other.value, names)


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
    if isinstance(other, Approximate):
        return any_equal([compare_forms(one.exact, other.exact), compare_forms(one.rounded, other.rounded)])
    return any_equal([compare_forms(one.exact, other), compare_forms(one.rounded, other)])


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


# Several elements


def _compare_several(one: Several, other: Form) -> Verdict:
    if is_region(one) and (is_region(other) or isinstance(other, Fence)):
        return compare_regions(one, other)
    if isinstance(other, Several):
        loose = one.unordered or other.unordered or (_is_loose(one) and _is_loose(other))
        return _compare_lists(one.items, other.items, ordered=not loose)
    if isinstance(other, Fence):
        if other.opening == "\\{":
            return _compare_sets(one.items, other.items)
        return Verdict.DIFFERENT if one.unordered else _compare_lists(one.items, other.items, ordered=True)
    if not isinstance(other, Value) or _is_run_together(one, other):
        return Verdict.UNKNOWN
    # `1/2 or 0.5` says one thing twice.
    return all_equal(compare_forms(item, other) for item in one.items)


def _is_loose(several: Several) -> bool:
    """Whether the elements carry by themselves what they are: tuples, named values, relations."""
    return all(isinstance(item, Fence | Named | Relation) for item in several.items)


def _is_run_together(several: Several, value: Value) -> bool:
    """`1, 234` may be 1234 and `1,5` may be 1.5 to some: a list, or a number with a comma in it?"""
    numbers = [item.tree.value for item in several.items if isinstance(item, Value) and isinstance(item.tree, Number)]
    if len(numbers) != len(several.items) or not isinstance(value.tree, Number):
        return not isinstance(value.tree, Number)
    joined = Fraction(0)
    for number in numbers:
        joined = joined * 1000 + number
    decimal = (
        Fraction(f"{numbers[0]}.{numbers[1]}") if len(numbers) == 2 and numbers[1] >= 0 == numbers[1] % 1 else None
    )
    return value.tree.value in (joined, decimal)


def _compare_union(one: Union | Without, other: Form) -> Verdict:
    verdict = compare_regions(one, other)
    if verdict is Verdict.UNKNOWN and isinstance(one, Union) and isinstance(other, Union):
        same = _compare_sets(one.parts, other.parts)
        return same if same is Verdict.EQUAL else Verdict.UNKNOWN
    return verdict


def _compare_fence(one: Fence, other: Form) -> Verdict:
    if isinstance(other, Fence):
        return _compare_fences(one, other)
    if is_region(other):
        return compare_regions(one, other)
    if isinstance(other, Value):
        if len(one.items) == 1:
            return compare_forms(one.items[0], other)
        if isinstance(other.tree, Matrix) and one.opening == "(":
            return _compare_vector(one.items, other.tree)
        return Verdict.DIFFERENT if isinstance(other.tree, Number) and one.items else Verdict.UNKNOWN
    return Verdict.UNKNOWN


def _compare_fences(one: Fence, other: Fence) -> Verdict:
    if (one.opening == "\\{") != (other.opening == "\\{"):
        if is_region(one) or is_region(other):
            return compare_regions(one, other)
        return Verdict.DIFFERENT
    if one.opening == "\\{":
        return _compare_sets(one.items, other.items)
    if (one.opening, one.closing) != (other.opening, other.closing) or len(one.items) != len(other.items):
        return Verdict.DIFFERENT
    return all_equal(compare_forms(left, right) for left, right in zip(one.items, other.items, strict=True))


def _compare_vector(items: Sequence[Form], matrix: Matrix) -> Verdict:
    if len(matrix.rows) != 1 and len(matrix.rows[0]) != 1:
        return Verdict.DIFFERENT
    cells = [Value(cell) for row in matrix.rows for cell in row]
    if len(cells) != len(items):
        return Verdict.DIFFERENT
    return all_equal(compare_forms(left, right) for left, right in zip(items, cells, strict=True))


def _compare_lists(one: Sequence[Form], other: Sequence[Form], *, ordered: bool) -> Verdict:
    if not ordered:
        return _compare_sets(one, other)
    if len(one) == len(other):
        verdict = all_equal(compare_forms(left, right) for left, right in zip(one, other, strict=True))
        if verdict is Verdict.EQUAL:
            return verdict
    return Verdict.DIFFERENT if _compare_sets(one, other) is Verdict.DIFFERENT else Verdict.UNKNOWN


def _compare_sets(one: Sequence[Form], other: Sequence[Form]) -> Verdict:
    """Whether each element of either occurs in the other; one that is listed twice counts once."""
    if max(len(one), len(other)) > _MAX_ELEMENTS:
        return Verdict.UNKNOWN
    table = [[compare_forms(left, right) for right in other] for left in one]
    if not one or not other:
        return Verdict.EQUAL if len(one) == len(other) else Verdict.DIFFERENT
    lines = [*table, *zip(*table, strict=True)]
    if all(Verdict.EQUAL in line for line in lines):
        return Verdict.EQUAL
    if any(isinstance(form, Opaque) for form in (*one, *other)):
        return Verdict.UNKNOWN
    alone = any(all(verdict is Verdict.DIFFERENT for verdict in line) for line in lines)
    return Verdict.DIFFERENT if alone else Verdict.UNKNOWN


# Ratios, words, values


def _compare_ratio(one: Ratio, other: Form) -> Verdict:
    if isinstance(other, Ratio):
        if len(one.parts) != len(other.parts):
            return Verdict.DIFFERENT
        if _is_clock(one) or _is_clock(other):
            return Verdict.UNKNOWN
        crossed = [
            compare_expressions(Call("mul", (left, other.parts[0])), Call("mul", (right, one.parts[0])))
            for left, right in zip(one.parts[1:], other.parts[1:], strict=True)
        ]
        return all_equal(crossed)
    if isinstance(other, Value) and len(one.parts) == 2:
        return compare_forms(Value(Call("div", one.parts)), other)
    return Verdict.UNKNOWN


def _is_clock(ratio: Ratio) -> bool:
    """Whether it could be a time of day."""
    values = [part.value for part in ratio.parts if isinstance(part, Number)]
    return len(values) == len(ratio.parts) == 2 and values[0] < 24 and 10 <= values[1] < 60


_ARTICLES = ("the ", "a ", "an ")


def _compare_words(one: Words, other: Form) -> Verdict:
    if isinstance(other, Words):
        if _folded(one.text) == _folded(other.text):
            return Verdict.EQUAL
        short = max(len(one.text), len(other.text)) == 2 and one.text.islower() and other.text.islower()
        # `ab` and `ba` are a product; `BAC` and `CAB` may be an order of things, `AM` a time of day.
        if short and one.tree is not None and other.tree is not None:
            return compare_expressions(one.tree, other.tree)
        return Verdict.UNKNOWN
    if isinstance(other, Value) and one.tree is not None and other.unit is None:
        return compare_expressions(one.tree, other.tree)
    return Verdict.UNKNOWN


def _folded(text: str) -> str:
    folded = text.casefold()
    return next((folded[len(article) :] for article in _ARTICLES if folded.startswith(article)), folded)


def _compare_value(one: Value, other: Form) -> Verdict:
    return compare_values(one, other) if isinstance(other, Value) else Verdict.UNKNOWN


#: The first rule whose kind either answer is of decides; the rule gets that one first.
_RULES: tuple[tuple[type[Form], Callable[[Any, Form], Verdict]], ...] = (
    (Opaque, lambda one, other: Verdict.UNKNOWN),
    (Choice, _compare_choice),
    (Approximate, _compare_approximate),
    (Named, _compare_named),
    (Relation, _compare_relation),
    (Several, _compare_several),
    (Union, _compare_union),
    (Without, _compare_union),
    (Fence, _compare_fence),
    (Ratio, _compare_ratio),
    (Words, _compare_words),
    (Value, _compare_value),
)
