"""Two texts of one notation are one problem."""

from __future__ import annotations

import pytest
from omr.files.notation import notation


@pytest.mark.parametrize(
    "same",
    [
        ["Find $x$.", "find  $x$", "Find\n\\( x \\).", "find \\[x\\]."],
        [r"$\dfrac{1}{2} \leq x$", r"$\frac{1}{2} \le x$", r"$\tfrac {1} {2} ≤ x$"],
        ["Find all REAL values.", "find all real values"],
        [r"Compute $\phi(12)$.", r"Compute $\phi( 12 )$.", r"Compute $\phi\left(12\right)$."],
    ],
)
def test_spacing_delimiters_and_sizes_are_no_notation(same: list[str]) -> None:
    assert len(set(map(notation, same))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Find $a$.", "Find $A$."),
        (r"Compute $\phi(12)$.", r"Compute $\Phi(12)$."),
        (r"$\Gamma(x)$", r"$\gamma(x)$"),
        (r"for $x \in \mathbb{R}$", r"for $x \in R$"),
        ("$f'(x)$", "$f(x)$"),
        (r"$1, 2, \ldots, n$", "$1, 2, n$"),
        ("in 1 1/2 hours", "in 11/2 hours"),
        ("$1{,}2$", "$12$"),
        ("the ratio $a:b$", "the ratio $ab$"),
        (r"$|x|$", "$x$"),
        (r"$\overline{ab}$", "$ab$"),
        ("$x^2$", "$x_2$"),
        ("$n!$", "$n$"),
        ("the triangle ABC", "the triangle abc"),
        ("naïve", "naive"),
        (r"$\mathbf{v}$", "$v$"),
        ("$a;b$", "$a,b$"),
    ],
)
def test_marks_that_can_carry_meaning_stay(one: str, other: str) -> None:
    assert notation(one) != notation(other)


@pytest.mark.parametrize("piece", ["$", "\\", "\\[", "a", "1", ".", "\u0301"])
def test_long_texts_are_read_to_the_end(piece: str) -> None:
    assert notation(piece * 300_000 + " end").endswith("end")
