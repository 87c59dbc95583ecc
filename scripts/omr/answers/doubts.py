r"""What speaks against a verdict on two expressions: rounding, another parameter, pieces that no point has shown.

Evaluation at points says what two functions are there; equality and difference are only claimed where nothing here
objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain, count, permutations
from typing import Any

from mpmath import mp  # type: ignore[import-untyped]

from omr.answers.evaluation import agree, is_constant, real_value
from omr.answers.trees import Call, Expression, Matrix, Number, Symbol, walk
from omr.answers.values import InexactError, SizeError, UndefinedError

_MAX_DECIMALS = 8
_LARGEST = 10**60
_MAX_PERMUTED = 4
_SHIFTS = (0, 1, -1, 2, -2)
#: Functions that are other ones from place to place: agreement at points says nothing about those in between.
_PIECEWISE = frozenset({"abs", "floor", "ceil", "max", "min", "gcd", "lcm"})


def are_apart(one: Expression, other: Expression) -> bool:
    r"""Whether two constants that differ cannot be one value, rounded or cut off.

    A decimal, and a whole number of percent or degrees, may stand for whatever is less than one unit of its last
    place away; beside a decimal, so may a whole number that ends in zeros or counts powers of ten. Others are exact.
    """
    spreads = _spread(one, _has_decimals(other)), _spread(other, _has_decimals(one))
    if None in spreads:
        return False
    spread = max(part or 0 for part in spreads)
    if not spread:
        return True
    if all(spreads):
        spread *= 1.5
    first, second = real_value(one), real_value(other)
    if first is None or second is None:
        return False
    return bool(abs(first - second) > spread * (1 + mp.mpf(2) ** -40))


def _has_decimals(tree: Expression) -> bool:
    return any(isinstance(node, Number) and node.decimals is not None for node in walk(tree))


def _spread(tree: Expression, beside_decimals: bool) -> Any | None:
    """How far the value may lie from what is written; None where that cannot be told."""
    units = list(_units(tree, beside_decimals))
    if not units:
        return mp.mpf(0)
    value = real_value(tree)
    if value is None or len(units) > _MAX_DECIMALS:
        return None
    total = mp.mpf(0)
    for place, unit in units:
        moved = [real_value(_moved(tree, place, shift)) for shift in (unit, -unit)]
        if None in moved:
            return None
        total += max(abs(each - value) for each in moved)
    return total


def _units(tree: Expression, beside_decimals: bool) -> Iterator[tuple[int, Fraction]]:
    """The numerals that may be rounded, as their places in the tree, and the units of their last places."""
    coarse = {
        id(arg)
        for node in walk(tree)
        if isinstance(node, Call) and (node.name in ("percent", "degree") or (beside_decimals and _is_scientific(node)))
        for arg in node.args
    }
    for place, node in enumerate(node for node in _in_order(tree) if isinstance(node, Number)):
        if node.decimals is not None or id(node) in coarse:
            yield place, Fraction(1, 10 ** (node.decimals or 0))
        elif beside_decimals and node == tree and 0 < abs(node.value) < _LARGEST and node.value % 10 == 0:
            digits = str(node.value.numerator)
            yield place, Fraction(10 ** (len(digits) - len(digits.rstrip("0"))))


def _is_scientific(node: Call) -> bool:
    return node.name == "mul" and any(
        isinstance(arg, Call) and arg.name == "pow" and arg.args[0] == Number(Fraction(10)) for arg in node.args
    )


def _in_order(tree: Expression) -> Iterator[Expression]:
    yield tree
    if isinstance(tree, Call):
        for arg in tree.args:
            yield from _in_order(arg)


def _moved(tree: Expression, place: int, shift: Fraction) -> Expression:
    numbers = count()

    def move(node: Expression) -> Expression:
        if isinstance(node, Number):
            return replace(node, value=node.value + shift) if next(numbers) == place else node
        return replace(node, args=tuple(move(arg) for arg in node.args)) if isinstance(node, Call) else node

    return move(tree)


def is_reparametrised(one: Expression, other: Expression, names: Sequence[str]) -> bool:
    r"""Whether one family is the other with its parameters called otherwise: `ax+b` and `bx+a`, `2k+1` and `2k-1`."""
    if len(names) > _MAX_PERMUTED:
        return True
    return any(_agree(_renamed(one, change), other) for change in _changes(names))


def _changes(names: Sequence[str]) -> Iterator[dict[str, Expression]]:
    if len(names) == 1:
        variable = Symbol(names[0])
        for base in (variable, Call("neg", (variable,))):
            for shift in _SHIFTS:
                yield {names[0]: Call("add", (base, Number(Fraction(shift))))}
        return
    for order in permutations(names):
        yield {name: Symbol(new) for name, new in zip(names, order, strict=True)}


def _agree(one: Expression, other: Expression) -> bool:
    try:
        return agree(one, other)
    except (SizeError, UndefinedError, InexactError):
        return True  # nothing was shown


def equal_beyond_pieces(one: Expression, other: Expression) -> bool:
    """Whether functions that agree at points are the same between them, too, where absolute values and the like bend.

    Shown only where both hold these of the same arguments: then they agree whatever such a function's values are.
    """
    if not any(is_piecewise(node) for node in chain(walk(one), walk(other))):
        return True
    return agree(_unbent(one), _unbent(other))


def is_piecewise(node: Expression) -> bool:
    """Whether a node is a function of a variable that is made of pieces."""
    return isinstance(node, Call) and node.name in _PIECEWISE and not is_constant(node)


def _unbent(tree: Expression) -> Expression:
    def unbend(node: Call) -> Call:
        if not is_piecewise(node):
            return node
        args = tuple(Call("mul", (arg, arg)) for arg in node.args) if node.name == "abs" else node.args
        return Call(f"apply:{node.name}", args)

    return _mapped(tree, unbend)


def _mapped(tree: Expression, change: Callable[[Call], Call]) -> Expression:
    if isinstance(tree, Call):
        return change(replace(tree, args=tuple(_mapped(arg, change) for arg in tree.args)))
    if isinstance(tree, Matrix):
        return Matrix(tuple(tuple(_mapped(cell, change) for cell in row) for row in tree.rows))
    return tree


def _renamed(tree: Expression, names: dict[str, Expression]) -> Expression:
    if isinstance(tree, Call):
        return Call(tree.name, tuple(_renamed(arg, names) for arg in tree.args))
    if isinstance(tree, Matrix):
        return Matrix(tuple(tuple(_renamed(cell, names) for cell in row) for row in tree.rows))
    return names.get(tree.name, tree) if isinstance(tree, Symbol) else tree
