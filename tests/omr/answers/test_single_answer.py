"""A text with one final answer, and texts that hedge, list, or take back."""

from __future__ import annotations

import pytest
from omr.answers.faults import NO_ANSWER, SEVERAL_ANSWERS
from omr.answers.single_answer import same_spelling, single_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"<think>\boxed{3}? No, \boxed{4}.</think>It is \boxed{5}.", "5"),
        (r"So $\boxed{x=5}$. Therefore the answer is \boxed{5}.", "5"),
        (r"\boxed{\dfrac{1}{2}} ... that is, $\boxed{\frac12}$", r"\frac12"),
        (r"The solutions are \boxed{1} and \boxed{2}.", "1, 2"),
        (r"\boxed{1}, \boxed{2}, and \boxed{3}", "1, 2, 3"),
        (r"$x=\boxed{1}$ or $x=\boxed{2}$", "1 or 2"),
        (r"\boxed{2}, \boxed{3}. Answer: \boxed{2} and \boxed{3}.", "2, 3"),
        (r"It is \boxed{7}; the notation \boxed{\text{your answer}} was required.", "7"),
        (r"\boxed{5}. Check: $2+3=5$, and $12$ is the sum of all digits.", "5"),
        (r"\boxed{5}, attained at $n = 3$.", "5"),
        (r"\boxed{3} cm and \boxed{4} cm", "3, 4"),
        (r"\boxed{5}. The final answer is 5. I hope it is correct.", "5"),
        (r"\boxed{5}, which is the smallest such number. It is attained for $n=3$.", "5"),
        (r"\boxed{12} or, written differently, twelve.", "12"),
        (r"\boxed{5}. There is no mistake in it.", "5"),
        (r"Wait, 4 is wrong. It is \boxed{5}.", "5"),
    ],
)
def test_a_text_that_says_one_thing_has_one_answer(text: str, answer: str) -> None:
    assert single_answer(text) == (answer, None)


@pytest.mark.parametrize(
    "text",
    [
        r"It is \boxed{4} or \boxed{5}.",
        r"It is \boxed{4}, or maybe \boxed{5}.",
        r"It is \boxed{4}, perhaps even 5. No, \boxed{5}.",
        r"(a) We get \boxed{4}. (b) From this, \boxed{5}.",
        r"First \boxed{126}, then \boxed{60}, hence \boxed{66}.",
        r"either 4 or $\boxed{5}$",
        r"It is $\boxed{5}$ or 6.",
        r"$\boxed{5}$ oder $6$",
        r"It is \boxed{5} if $n$ is even and \boxed{6} otherwise.",
        r"\boxed{5} (or possibly \boxed{6})",
        r"答案是 $\boxed{5}$ 或 $6$",
    ],
)
def test_answers_that_differ_and_make_no_list_are_several(text: str) -> None:
    assert single_answer(text) == (None, SEVERAL_ANSWERS)


@pytest.mark.parametrize(
    "tail",
    [
        "Wait, that is wrong; it is 6.",
        "Hmm, I made a mistake above.",
        "But this is not correct.",
        "However, the correct value is 6.",
        "No, the answer is 6.",
        "Actually 6.",
        "Sorry, I mean 6.",
        "Let me recompute this: $2\\cdot 3 = 6$.",
        "On second thought, 6.",
        "Alternatively, one may count $6$.",
        "It should be $6$.",
        "The answer could also be 6.",
        "**Correction:** 6",
        "不对，应该是6。",
        "Espera, es 6.",
        "Oops: 6.",
        "Edit: 6",
        "On reflection, 6 is right.",
        "But I forgot the factor $2$, so the result is $10$.",
        "Upon double-checking, the total is 6.",
        "Not quite: 6.",
        "Unless 0 counts, in which case 6.",
        "Nein, das stimmt nicht: 6.",
        "With the other sign this gives $6$.",
    ],
)
def test_an_answer_that_the_text_takes_back_is_none(tail: str) -> None:
    assert single_answer(f"It is \\boxed{{5}}. {tail}") == (None, SEVERAL_ANSWERS)


@pytest.mark.parametrize(
    "text", ["", None, "It is 5.", r"<think>\boxed{5}</think>Done.", r"\boxed{?}", r"\boxed{\ldots}"]
)
def test_a_text_without_a_box_for_an_answer_has_none(text: str | None) -> None:
    assert single_answer(text) == (None, NO_ANSWER)


@pytest.mark.parametrize("blank", ["\n", "\t"])
def test_another_answer_is_seen_behind_very_many_blanks(blank: str) -> None:
    blanks = 7_000 * blank
    assert single_answer(f"It is \\boxed{{5}}{blanks},{blanks[:900]}or 6.") == (None, SEVERAL_ANSWERS)
    assert single_answer(f"It is \\boxed{{5}}{blanks},{blanks[:900]}so.") == ("5", None)


def test_whoever_can_compare_answers_tells_which_are_the_same() -> None:
    text = r"That is \boxed{\frac{1}{2}}, or \boxed{0.5}."
    assert single_answer(text).fault == SEVERAL_ANSWERS
    assert single_answer(text, lambda one, other: {one, other} == {r"\frac{1}{2}", "0.5"}).answer == "0.5"


def test_a_name_before_an_answer_makes_no_other_answer() -> None:
    assert same_spelling("x = 5", "5")
    assert not same_spelling("x = 5", "6")
    assert not same_spelling("x = 5", "x = 6")
