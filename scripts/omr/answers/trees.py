"""Trees of mathematical expressions, as omr.answers.expressions reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


class RefusalError(Exception):
    """The text is not an expression of this grammar; says nothing about its meaning."""


@dataclass(frozen=True, slots=True)
class Number:
    """An exact value; `decimals` is how many digits stood after the point, None where there was no point."""

    value: Fraction
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, or a constant known by its name: `\\pi`, `e`, `i`, `\\infty`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operation or function on expressions: `div`, `pow`, `neg`, `pm`, `sin`, `apply:f`, ...

    `add` and `mul` take two or more, so that a long sum is no deep tree.
    """

    name: str
    args: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of equal length."""

    rows: tuple[tuple[Expression, ...], ...]


Expression = Number | Symbol | Call | Matrix

#: Deeper nesting is refused: no answer needs it, and every walk over a tree may then recurse.
MAX_DEPTH = 40


def walk(tree: Expression) -> Iterator[Expression]:
    """Every node of a tree."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Call):
            pending.extend(node.args)
        elif isinstance(node, Matrix):
            pending.extend(cell for row in node.rows for cell in row)


def joined(name: str, parts: list[Expression]) -> Expression:
    """The sum or product of parts, the part itself if there is one."""
    return parts[0] if len(parts) == 1 else Call(name, tuple(parts))
