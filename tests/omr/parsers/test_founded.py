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


@pytest.mark.parametrize(
    ("thread", "answer"),
    [
        ("so x=2 and y=100", "(2, 100)"),
        ("so x=2 and y=100", "(2,100)"),
        ("so x=2 and y=100", "$(2,\\ 100)$"),
        ("x = 3 or x = 125", "$\\{3, 125\\}$"),
        ("the pair is (2, 100)", "y = 100"),
        ("the pair is (2,100)", "y = 100"),
        ("1000 and 5 and 100", "1,000"),
        ("the set {1,000, 2}", "\\{2, 1000\\}"),
        ("that is 10²", "$10^2$"),
        ("3·10⁵", "$3 \\cdot 10^5$"),
        ("$3 \\cdot 10^5$", "3·10⁵"),
        ("2¹⁰", "$2^{10}$"),
        ("2¹⁰⁰", "$2^{100}$"),
        ("a₁₀ = 7", "$a_{10} = 7$"),
        ("in binary 101₂", "$101_2$"),
        ("it is 1½ hours", "$1\\frac{1}{2}$"),
        ("5¾", "$5\\frac34$"),
        (".5", "0.5"),
        ("0.5", "$.5$"),
        ("x=.5", "\\frac12"),
        ("thirty of them", "30"),
        ("Ninety-nine", "99"),
        ("forty two", "42"),
        ("٣٥", "35"),
    ],
)
def test_numbers_are_the_same_however_they_are_written_beside_others(thread: str, answer: str) -> None:
    assert Discussion("p", thread).has(answer)


@pytest.mark.parametrize(
    ("thread", "answer"),
    [
        ("x=2 and y=100", "(2, 101)"),
        ("x=2 and y=100", "2{,}100"),
        ("x=1 and y=0", "1,000"),
        ("x=1 and y=0", "1\\,000"),
        ("x=1 and y=0", "1 000"),
        ("x=3 and y=310", "3\\,10"),
        ("x=1 and y=234", "1\\,234"),
        ("2, 100", "2100"),
        ("that is 10²", "102"),
        ("it is 1½", "11"),
        ("x = 0.5", "0.05"),
        ("thirty", "3"),
        ("thirty-one", "32"),
    ],
)
def test_an_invented_number_is_refused_in_every_reading(thread: str, answer: str) -> None:
    assert not Discussion("p", thread).has(answer)
