"""What can be an answer, and what only stands where one belongs."""

from __future__ import annotations

import pytest
from omr.answers.placeholders import can_be_answer


@pytest.mark.parametrize(
    "text",
    ["", " ", "?", "???", "...", "…", r"\ldots", r"\cdots", r"\dots, \dots", "-", "_", r"\_\_\_", r"\square", r"\Box"]
    + ["$ $", "answer", "Answer", "[answer]", r"\text{your answer}", r"\text{Your final answer here}", "the answer"]
    + [
        r"\text{insert answer here}",
        "ANSWER",
        "result",
        r"\text{expression}",
        "Proven",
        "QED",
        r"\text{Q.E.D.} \square",
    ]
    + [
        r"\text{Proof complete}",
        r"\text{see above}",
        r"\{\ldots\}",
        r"\underline{\hspace{2cm}}",
        "答案",
        r"\text{réponse}",
    ]
    + [r"\text{No answer}", "Answer not found.", "unknown", r"\boxed{?}", r"\checkmark", r"\text{statement proved}"],
)
def test_a_placeholder_is_no_answer(text: str) -> None:
    assert not can_be_answer(text)


@pytest.mark.parametrize(
    "text",
    ["5", "x", "A", "I", r"\pi", r"\infty", "∅", r"\emptyset", r"\{\}", r"\{\,\}", r"\text{no solution}", "None", "yes"]
    + [r"\text{Friday}", r"a_1, \ldots, a_n", "1+2+…+n", "-1", "½", r"\text{the answer is } 5", "(a, b)", "True"]
    + [r"\text{No such number exists}", r"f(x) = x", "x^2", r"\pm 1", "İ", "двадцать", "无解", r"\frac{1}{2}", "?x"],
)
def test_whatever_says_something_can_be_an_answer(text: str) -> None:
    assert can_be_answer(text)
