from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.parsers.conversion import parse_conversion
from omr.parsers.extraction import MAX_PROBLEM_CHARACTERS

ORIGINAL = "Prove that $n^3 + 5n$ is divisible by $6$ for every positive integer $n$."
CONVERTED = "Find the largest positive integer that divides $n^3 + 5n$ for every positive integer $n$."


@pytest.mark.parametrize(
    "reply",
    [
        CONVERTED,
        f"\r\n\r\n{CONVERTED}\r\n",
        f"<think>Prove that? No.</think>\n\n{CONVERTED}",
        f"```\n{CONVERTED}\n```",
        f"---\n{CONVERTED}\n---",
        f"Problem: {CONVERTED}",
        f"**New problem:** {CONVERTED}",
        f"**Problem 1:**\n\n{CONVERTED}",
        f"**Converted Problem: {CONVERTED}**",
        f"### Problem statement:\n{CONVERTED}",
        f"Here is the new problem:\n\n{CONVERTED}",
        f"Sure! {CONVERTED}",
        f"Sure! Here is the converted version:\n\n**Problem:** {CONVERTED}",
        f'{{"problem": "{CONVERTED}"}}',
        f"{CONVERTED}\n\nAnswer: $6$",
        f"{CONVERTED} Answer: $6$",
        f"{CONVERTED} (Answer: $6$)",
        f"{CONVERTED}\n\nThe answer is $6$.",
        f"{CONVERTED}\n\n**Solution:** the product of three consecutive numbers.",
        f"{CONVERTED}\n\n**Explanation**: it rests on the same idea.",
        f"{CONVERTED}\n\nI hope this helps!",
    ],
)
def test_the_problem_is_the_reply_without_what_stands_around_it(reply: str) -> None:
    assert parse_conversion(reply, ORIGINAL) == (CONVERTED, None)


@pytest.mark.parametrize(
    "problem",
    [
        "Let $m$ be the least bound shown in the table of all values. Find $m$.",
        "A improves on B: $f(x) = x^2$. How fast?",
        "A show earns $5$ a day, shows $3$ films and proves popular. How much in a week?",
        "Two players say in turn: I cannot know. What is the number?",
        "已知 $x<y$，求 $x+y$ 的最小值。",
        "In the Roman Forum stand $n$ columns. Find $n$.",
        "There was a king with $5$ sons. How many orders of birth are there?",
        "I have $3$ coins. Find the chance of three heads.",
        "It is known that $x = 2y$. Find $x/y$.",
        "Express your answer as $a + b\\sqrt{2}$ and find $a + b$.",
    ],
)
def test_problems_that_only_sound_like_something_else_pass(problem: str) -> None:
    assert parse_conversion(problem, ORIGINAL) == (problem, None)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("<think>Find $x$.", "unreadable_conversion"),
        ("...", "empty_problem"),
        ("**Problem:**", "empty_problem"),
        ("x" * (MAX_PROBLEM_CHARACTERS + 1), "too_long_problem"),
        (f" {ORIGINAL.upper()}\n", "unchanged_problem"),
        ("Prove that $x > 0$.", "still_a_proof"),
        ("**Show** that $x > 0$.", "still_a_proof"),
        ("(a) Verify the formula.", "still_a_proof"),
        ("Please prove the formula.", "still_a_proof"),
        ("Let $x > 0$. Prove that $x^2 > 0$.", "still_a_proof"),
        ("Let $x > 0$, then show that $x^2 > 0$.", "still_a_proof"),
        ("Let $x > 0$.\n\nProve that $x^2 > 0$.", "still_a_proof"),
        ("I cannot convert this.", "meta_text"),
        ("This problem cannot be converted.", "meta_text"),
        ("It is not possible to rephrase the statement.", "meta_text"),
        ("The statement is already a question.", "meta_text"),
        ("No conversion possible.", "meta_text"),
        ("Problem 1: Find $x$.\n\nProblem 2: Find $y$.", "several_problems"),
        ("1. Find $x$.\n2. Find $y$.", "several_problems"),
        ("Answer: $6$", "empty_problem"),
        ("I'm sorry, but there is no answer.", "meta_text"),
        ("Find $x$, as in the original problem.", "meta_text"),
        ("Find the bound that the discussion gives.", "meta_text"),
    ],
)
def test_what_is_not_a_new_problem_is_refused_with_the_reason(reply: str, reason: str) -> None:
    assert parse_conversion(reply, ORIGINAL) == (None, reason)


FRAGMENTS = [
    "Problem:",
    "**",
    "\n",
    "\r",
    "Prove that",
    "Find",
    " ",
    ". ",
    "Answer:",
    "---",
    "```",
    "$x$",
    "<think>",
    "</think>",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS)).map("".join)))
@settings(max_examples=100, deadline=None)
def test_either_a_problem_or_a_reason_comes_out(reply: str) -> None:
    problem, reason = parse_conversion(reply, ORIGINAL)
    assert (problem is None) != (reason is None)
    if problem is not None:
        assert problem == problem.strip() != ""
        assert not problem.lower().startswith("prove")


@given(st.sampled_from([", ", ". then ", "\n", "**", "here is ", "\n---", "prove ", " "]), st.integers(0, 20_000))
@settings(max_examples=50, deadline=None)
def test_long_repetitive_replies_are_no_problem_of_ours(fragment: str, times: int) -> None:
    reply = fragment * times + "x" * (MAX_PROBLEM_CHARACTERS + 1)
    assert parse_conversion(reply, ORIGINAL) == (None, "too_long_problem")
