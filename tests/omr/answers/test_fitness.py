"""Answers that no comparison can check are named with a reason."""

from __future__ import annotations

import pytest
from omr.answers.fitness import REASONS, fault_of_answer


@pytest.mark.parametrize(
    ("problem", "answer", "reason"),
    [
        ("Find $x$.", None, "no_answer"),
        ("Find $x$.", "  ", "no_answer"),
        ("(a) Find $x$. (b) Find $y$.", "$3$", "several_parts"),
        ("Let $n=5$.\n1) Find $n^2$.\n2) Find $n^3$.", "25", "several_parts"),
        ("Find all pairs.", "(a) 6 (b) 2", "several_parts"),
        ("(i) Show it. (ii) Compute $k$.", "7", "several_parts"),
        ("What is the shaded area in the figure below?", r"4\pi", "figure_missing"),
        ("The graph shown is that of $f$. Find $f(2)$.", "3", "figure_missing"),
        ("Which is larger?", r"\text{the first number is the larger one}", "prose_answer"),
        ("Describe the set.", "all points on the circle except two of them", "prose_answer"),
        ("Find the equation of the line $y = 3x + 4$.", "y=3x+4", "answer_in_question"),
    ],
)
def test_what_cannot_be_checked_has_a_reason(problem: str, answer: str | None, reason: str) -> None:
    assert fault_of_answer(problem, answer) == reason
    assert reason in REASONS


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("Find $x$ with $x^2 = 4$ and $x > 0$.", "2"),
        ("Let $f(a)$ be given and let $(b)$ be real. Find $f(2)$.", "5"),
        ("Which day is it?", r"\text{Friday}"),
        ("How far?", r"12\text{ square meters}"),
        ("Find the area in the figure. [asy] draw((0,0)--(1,1)); [/asy]", "3"),
        ("What figure has the largest area?", r"\frac{3}{4}"),
        ("Find all solutions of $x+y=3$, $xy=2$.", "(1,2),(2,1)"),
        ("Factor $x^2-1$.", "(x-1)(x+1)"),
        ("In how many ways can (a) student sit?", "6"),
    ],
)
def test_what_can_be_checked_has_none(problem: str, answer: str) -> None:
    assert fault_of_answer(problem, answer) is None


@pytest.mark.parametrize("piece", ["(a)", "$", r"\(", r"\[", "in the figure ", r"\text", "word "])
def test_long_texts_are_read_to_the_end(piece: str) -> None:
    # Anything quadratic would take minutes here.
    fault_of_answer(piece * 20_000, piece * 5_000)
    assert fault_of_answer("Find $x$.", "7") is None
