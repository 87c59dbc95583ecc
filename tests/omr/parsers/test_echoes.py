from __future__ import annotations

import pytest
from omr.parsers.echoes import Examples

EXAMPLES = Examples(
    [
        "Let $g(t) = 3t^2 + 12t - 5$. Find the least value of $g(t)$ over the real numbers $t$.",
        "Let $g(t) = 3t^2 + 12t - 5$. Solve the equation $g(t) = 10$ in real numbers.",
        "Prove that no square of an integer leaves the remainder two on division by three.",
    ]
)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Let $g(t) = 3t^2 + 12t - 5$. Find the least value of $g(t)$ over the real numbers $t$.", "Find the sum."),
        ("let g(t)=3t^2+12t-5.  Find the least value of $g(t)$ over the real numbers $t$", "Find the sum."),
        ("Let $x > 0$ with $x + 2y = 1$. Solve the equation $g(t) = 10$ in real numbers.", "x > 0, x + 2y = 1"),
        ("Solve $g(t)=3t^2+12t-5$.", "What is 2^10?"),
        ("Prove that no square of an integer leaves a remainder of two on division by three.", "Find all primes."),
    ],
)
def test_an_example_is_known_near_to_the_letter_and_in_parts(text: str, source: str) -> None:
    assert EXAMPLES.is_echo(text, source)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Let $g(t) = 3t^2 + 12t - 5$. Find the least value of $g(t)$.", "g(t) = 3t^2 + 12t - 5, its least value?"),
        ("Solve the equation $g(t) = 10$ in real numbers.", "let g(t)=t^2, solve g(t) = 10"),
        ("Let $g(t) = 3t^2 + 12t - 9$. Find the least value of $g(t)$ over the reals.", "g(t)=3t^2+12t-9, min?"),
        ("Find the sum of the first ten primes.", "sum of first ten primes"),
        ("Solve it.", ""),
        (
            "Prove that no square of an integer leaves the remainder two on division by three.",
            "why does the square of an integer never leave remainder two on division by three?",
        ),
    ],
)
def test_what_stands_in_the_source_or_is_another_problem_is_no_echo(text: str, source: str) -> None:
    assert not EXAMPLES.is_echo(text, source)


def test_a_formula_of_an_example_may_come_up_in_a_text_that_is_no_copy() -> None:
    text = "A ball flies so that its height above the ground is $g(t) = 3t^2 + 12t - 5$: say where its path turns down."
    source = "A parabola is given."
    assert EXAMPLES.is_echo(text, source)
    assert not EXAMPLES.is_echo(text, source, is_copied=False)


def test_a_short_example_is_known_as_a_whole() -> None:
    examples = Examples([r"$\{-3, 3\}$"])
    assert examples.has_whole(r"\{-3,3\}")
    assert not examples.has_whole(r"\{-3, 4\}")
