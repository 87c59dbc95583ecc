"""What is a summary of a reasoning, and what only looks like one."""

from __future__ import annotations

import pytest
from omr.solutions.summaries import Reasoning, fault_of

PROBLEM = "What is the remainder when $7^{100}$ is divided by $13$?"
REASONING = (
    "Okay, powers of 7 modulo 13: 7, 10, 5, 9, 11, 12, 6, 3, 8, 4, 2, 1. So the order is 12, it is a primitive root. "
    "Now 100 = 96 + 4, so I take the fourth entry, which is 9. Final: \\boxed{9}"
)


@pytest.mark.parametrize(
    "text",
    [
        REASONING,
        REASONING.removeprefix("Okay, powers"),
        REASONING.replace(". ", ".\n\n"),
        "Here is the solution.\n" + REASONING,
        REASONING.partition(". ")[2],
    ],
)
def test_what_mostly_stands_in_the_reasoning_word_for_word_is_no_summary(text: str) -> None:
    assert fault_of(text, Reasoning(REASONING), PROBLEM) == "copy_of_reasoning"


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{9}",
        "The answer is \\boxed{9}.",
        "The remainder when $7^{100}$ is divided by $13$ is $\\boxed{9}$.",
        "So the final answer is **\\boxed{9}**",
    ],
)
def test_a_sentence_that_only_states_the_answer_is_no_summary(text: str) -> None:
    assert fault_of(text, Reasoning(REASONING), PROBLEM) == "no_explanation"


@pytest.mark.parametrize(
    "text",
    [
        "By Fermat $7^{12} \\equiv 1$, and $100 = 8 \\cdot 12 + 4$, so the remainder is that of $7^4 = 2401$, i.e. \\boxed{9}.",
        "The order of $7$ modulo $13$ is $12$. Since $100 \\equiv 4$, we need $7^4 \\equiv 9$.\n\nThe answer is $\\boxed{9}$.",
        "We compute the powers of $7$.\n$7^2 = 49 \\equiv 10$, $7^4 \\equiv 100 \\equiv 9$, and $7^{12} \\equiv 1$.\nSo \\boxed{9}.",
    ],
)
def test_a_short_explanation_in_other_words_is_a_summary(text: str) -> None:
    assert fault_of(text, Reasoning(REASONING), PROBLEM) is None
