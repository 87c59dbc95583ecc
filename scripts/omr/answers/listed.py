r"""Whether answers of several elements are the same: lists, tuples, sets, and lists in plain braces.

What has a variable in it may be a family of answers, and one family is written in many ways (`k\pi, \frac{\pi}{2}+k\pi`
is `\frac{k\pi}{2}`): of such elements no difference is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

from omr.answers.evaluation import free_symbols
from omr.answers.forms import (
    Approximate,
    Braced,
    Fence,
    Form,
    Named,
    Opaque,
    Relation,
    Several,
    Union,
    Value,
    Without,
    is_set,
)
from omr.answers.regions import compare_regions, is_region
from omr.answers.trees import Expression, Matrix, Number, Symbol
from omr.answers.verdict import Verdict, all_equal
from omr.files.patterns import lazy

_MAX_ELEMENTS = 64
#: Groups of digits as they are written in India or, with dots for commas, in Europe, or written wrongly.
_GROUPS = lazy(r"\d{1,3}(?:\.\d{3})*(?:,\d{2,})+", re.ASCII)

#: Compares two forms.
Compare = Callable[[Form, Form], Verdict]


def compare_several(one: Several, other: Form, compare: Compare) -> Verdict:
    """Whether a list without brackets is the same answer as another form, which is no name."""
    if is_region(one) and (is_region(other) or isinstance(other, Fence)):
        return compare_regions(one, other)
    if isinstance(other, Several):
        named = _by_name(one.items, other.items)
        if named is not None:
            return _compare_pairs(*named, compare)
        loose = one.unordered or other.unordered or (_is_loose(one.items) and _is_loose(other.items))
        return _compare_lists(one.items, other.items, compare, ordered=not loose)
    if isinstance(other, Fence):
        if is_set(other):
            return _if_equal(_compare_sets(one.items, other.items, compare), not _has_names(one.items))
        return Verdict.DIFFERENT if one.unordered else _compare_lists(one.items, other.items, compare, ordered=True)
    if not isinstance(other, Value) or _has_names(one.items) or _is_run_together(one, other):
        return Verdict.UNKNOWN
    # `1/2 or 0.5` says one thing twice.
    return _if_fixed(all_equal(compare(item, other) for item in one.items), [*one.items, other])


def compare_braced(one: Braced, other: Form, compare: Compare) -> Verdict:
    """The verdict if a list in plain braces gets the same one as a set and as a list."""
    others = other.readings if isinstance(other, Braced) else (other, other)
    first, second = (compare(left, right) for left, right in zip(one.readings, others, strict=True))
    return first if first is second else Verdict.UNKNOWN


def compare_fence(one: Fence, other: Form, compare: Compare) -> Verdict:
    """Whether a tuple, an interval or a set is the same answer as another form that is no list."""
    if isinstance(other, Fence):
        return _compare_fences(one, other, compare)
    if is_region(other):
        return compare_regions(one, other)
    if isinstance(other, Value):
        if not one.items:
            return Verdict.UNKNOWN
        if is_set(one) or len(one.items) == 1:
            return _if_fixed(all_equal(compare(item, other) for item in one.items), [one, other])
        if isinstance(other.tree, Matrix) and one.opening == "(":
            return _compare_vector(one.items, other.tree, compare)
        return Verdict.DIFFERENT if isinstance(other.tree, Number) else Verdict.UNKNOWN
    return Verdict.UNKNOWN


def in_order(names: Sequence[Form]) -> bool:
    """Whether names are variables in alphabetical order, the one in which their values are listed without names."""
    symbols = [name.tree.name for name in names if isinstance(name, Value) and isinstance(name.tree, Symbol)]
    return len(symbols) == len(names) and all(left < right for left, right in pairwise(symbols))


def has_variables(form: Form) -> bool:
    """Whether an answer holds a variable beside the one that it names, or something unread."""
    if isinstance(form, Value):
        return bool(free_symbols(form.tree))
    if isinstance(form, Named):
        return has_variables(form.value)
    if isinstance(form, Fence | Several | Braced):
        return any(map(has_variables, form.items))
    if isinstance(form, Approximate):
        return form.exact is not None and has_variables(form.exact)
    if isinstance(form, Union):
        return any(map(has_variables, form.parts))
    return isinstance(form, Opaque | Relation | Without)


def _if_fixed(verdict: Verdict, forms: Sequence[Form]) -> Verdict:
    return Verdict.UNKNOWN if verdict is Verdict.DIFFERENT and any(map(has_variables, forms)) else verdict


def _if_equal(verdict: Verdict, certain: bool) -> Verdict:
    return verdict if certain or verdict is not Verdict.EQUAL else Verdict.UNKNOWN


def _has_names(items: Sequence[Form]) -> bool:
    return any(isinstance(item, Named) for item in items)


def _by_name(one: Sequence[Form], other: Sequence[Form]) -> tuple[list[Form], list[Form]] | None:
    """The values of two lists of named values, by name; None if their names are not the same ones, each once."""
    tables = []
    for items in (one, other):
        names = [item.name for item in items if isinstance(item, Named) and item.is_equation]
        if len(names) != len(items) or len(set(names)) != len(names):
            return None
        tables.append({item.name: item.value for item in items if isinstance(item, Named)})
    first, second = tables
    return ([*first.values()], [second[name] for name in first]) if first.keys() == second.keys() else None


def _is_loose(items: Sequence[Form]) -> bool:
    """Whether the elements carry by themselves what they are: tuples, values of different names, relations."""
    names = [item.name for item in items if isinstance(item, Named)]
    distinct = all(name not in names[:place] for place, name in enumerate(names))
    return distinct and all(isinstance(item, Fence | Named | Relation) for item in items)


def _is_run_together(several: Several, value: Value) -> bool:
    """`1, 234` may be 1234 and `1,5` may be 1.5 to some: a list, or a number with a comma in it?"""
    numbers = [item.tree.value for item in several.items if isinstance(item, Value) and isinstance(item.tree, Number)]
    if len(numbers) != len(several.items) or not isinstance(value.tree, Number):
        return not isinstance(value.tree, Number)
    joined = Fraction(0)
    for number in numbers:
        joined = joined * 1000 + number
    spelled = ",".join(item.spelling for item in several.items if isinstance(item, Value))
    decimal = (
        Fraction(f"{numbers[0]}.{numbers[1]}")
        if len(numbers) == 2 and numbers[1] >= 0 == numbers[1] % 1 == numbers[0] % 1
        else None
    )
    if value.tree.value in (joined, decimal):
        return True
    digits = [text.replace(",", "").replace(".", "") for text in (spelled, value.spelling)]
    return bool(_GROUPS.fullmatch(spelled)) and digits[0] == digits[1]


def _compare_fences(one: Fence, other: Fence, compare: Compare) -> Verdict:
    if is_set(one) != is_set(other):
        if is_region(one) or is_region(other):
            return compare_regions(one, other)
        return Verdict.DIFFERENT
    if is_set(one):
        return _compare_sets(one.items, other.items, compare, repeated=True)
    if len(one.items) != len(other.items):
        return Verdict.DIFFERENT
    verdict = _compare_pairs(one.items, other.items, compare)
    if (one.opening, one.closing) == (other.opening, other.closing) or verdict is Verdict.DIFFERENT:
        return verdict
    # Two elements may be the ends of an interval; more are a vector, in whichever brackets.
    return Verdict.DIFFERENT if len(one.items) == 2 else Verdict.UNKNOWN


def _compare_pairs(one: Sequence[Form], other: Sequence[Form], compare: Compare) -> Verdict:
    verdict = all_equal(compare(left, right) for left, right in zip(one, other, strict=True))
    return _if_fixed(verdict, [*one, *other])


def _compare_vector(items: Sequence[Form], matrix: Matrix, compare: Compare) -> Verdict:
    if len(matrix.rows) != 1 and len(matrix.rows[0]) != 1:
        return Verdict.DIFFERENT
    cells: list[Expression] = [cell for row in matrix.rows for cell in row]
    if len(cells) != len(items):
        return Verdict.DIFFERENT
    return _compare_pairs(items, [Value(cell) for cell in cells], compare)


def _compare_lists(one: Sequence[Form], other: Sequence[Form], compare: Compare, *, ordered: bool) -> Verdict:
    if not ordered:
        return _compare_sets(one, other, compare)
    if len(one) == len(other) and _compare_pairs(one, other, compare) is Verdict.EQUAL:
        return _if_equal(Verdict.EQUAL, _names_agree(one, other))
    return Verdict.DIFFERENT if _compare_sets(one, other, compare) is Verdict.DIFFERENT else Verdict.UNKNOWN


def _names_agree(one: Sequence[Form], other: Sequence[Form]) -> bool:
    """Whether values without names stand where those with names would."""
    if _has_names(one) == _has_names(other):
        return True
    named = one if _has_names(one) else other
    return in_order([item.name for item in named if isinstance(item, Named)])


def _compare_sets(one: Sequence[Form], other: Sequence[Form], compare: Compare, *, repeated: bool = False) -> Verdict:
    """Whether each element of either occurs in the other.

    `repeated`: one that is listed twice counts once, as tuples do. Elsewhere it may count twice, as a root does.
    """
    if max(len(one), len(other)) > _MAX_ELEMENTS:
        return Verdict.UNKNOWN
    if not one or not other:
        return Verdict.EQUAL if len(one) == len(other) else Verdict.DIFFERENT
    table = [[compare(left, right) for right in other] for left in one]
    lines = [*table, *zip(*table, strict=True)]
    if all(Verdict.EQUAL in line for line in lines):
        repeated = repeated or all(isinstance(item, Fence) for item in (*one, *other))
        once = all(list(line).count(Verdict.EQUAL) == 1 for line in lines)
        return _if_equal(Verdict.EQUAL, (repeated or once) and _has_names(one) == _has_names(other))
    alone = any(all(verdict is Verdict.DIFFERENT for verdict in line) for line in lines)
    return _if_fixed(Verdict.DIFFERENT if alone else Verdict.UNKNOWN, [*one, *other])
