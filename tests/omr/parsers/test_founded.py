from __future__ import annotations

import pytest
from omr.parsers.founded import Discussion

THREAD = Discussion(
    "Find $x$ with 1,000 cows", "Post 1:\nit's three, so 15+3=18, or 0.5, or \\frac{17}{6} on Friday; \\pi"
)


@pytest.mark.parametrize(
    "answer",
    [
        "18",
        "x = 18",
        "3",
        "1000",
        "1{,}000",
        "\\frac12",
        "\\frac{1}{2}",
        "17/6",
        "0.5",
        "\\{-3, 15\\}",
        "\\text{Friday}",
    ]
    + ["\\pi", "3\\pi", "18.0", "½", "\\text{no solution}", "e"],
)
def test_an_answer_of_the_thread_is_found_in_another_spelling(answer: str) -> None:
    assert THREAD.has(answer)


@pytest.mark.parametrize("answer", ["19", "180", "\\{3, 4\\}", "\\frac{17}{7}", "\\sqrt{2}", "\\text{19 cm}"])
def test_an_answer_with_a_number_that_nobody_wrote_is_not_found(answer: str) -> None:
    assert not THREAD.has(answer)


def test_numbers_without_end_cost_nothing() -> None:
    assert not Discussion("9" * 2_000_000).has("7")  # hours, if each digit began a number
    assert not Discussion("1").has("\\frac{1}{0} + " + "2" * 300)
