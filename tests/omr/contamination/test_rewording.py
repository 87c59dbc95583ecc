"""Canaries made by rules: other words or other numbers, and nothing else."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from contamination_files import APPLES, DIVISORS, TRIANGLE
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from omr.contamination.benchmark_text import normal_text, words
from omr.contamination.rewording import changed_share, paraphrase, renumber
from omr.threads.formulas import pieces

SENTENCES = [
    "Suppose that $n \\le 20$ is an integer.",
    "Tom buys 12 books at random.",
    "Let \\(f(x) = \\frac{x}{2}\\) for all $x$.",
    "He paid \\$5 in the shop.",
    "[asy] draw(unitcircle); [/asy]",
    "Each number is $at least if$ 3.",
    "What is the smallest value of $n$?",
    "Find exactly two \\[x^{12}\\] for which it holds.",
]
texts = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=6).map(" ".join)
seeds = st.integers(0, 2**32)


def formulas(text: str) -> Counter[str]:
    return Counter(normal_text(piece.text) for piece in pieces(text) if piece.is_formula)


@pytest.mark.parametrize("text", [TRIANGLE, APPLES, DIVISORS])
def test_a_paraphrase_has_other_words_and_the_same_formulas(text: str) -> None:
    other = paraphrase(text, Random(1))
    assert other is not None
    assert changed_share(text, other) >= 0.1
    assert formulas(other) == formulas(text)


def test_the_question_comes_first_and_names_change_everywhere() -> None:
    other = paraphrase(APPLES, Random(3))
    assert other is not None
    assert other.startswith("What number of apples does ")
    assert "Anna" not in other
    assert len({name for name in ("Emma", "Lisa", "Mary", "Sarah", "Julia", "Maria", "Alice") if name in other}) <= 1


@settings(max_examples=100, deadline=None)
@given(texts, seeds)
def test_a_paraphrase_keeps_every_formula_and_number(text: str, seed: int) -> None:
    other = paraphrase(text, Random(seed))
    if other is None:
        reject()
    assert formulas(other) == formulas(text)
    assert not {word for word in words(text) if word.isdigit()} - set(words(other))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_prose_and_formulas_joined_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in pieces(text)) == text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), seeds)
def test_any_text_can_be_tried(text: str, seed: int) -> None:
    for rewrite in (paraphrase, renumber):
        other = rewrite(text, Random(seed))
        assert other is None or other != text


def test_a_text_with_the_characters_that_stand_for_formulas_is_left_alone() -> None:
    assert paraphrase("Find the smallest \ue0007\ue001 integer such that $x$ is chosen.", Random(0)) is None


def test_a_text_without_anything_to_reword_has_no_paraphrase() -> None:
    assert paraphrase("$x^2 = 4$", Random(0)) is None


def test_equal_numbers_become_equal_numbers_and_different_ones_different_ones() -> None:
    text = "12 apples, 12 pears and 7 plums cost $12.50 or 7 coins; add 13."
    other = renumber(text, Random(5))
    assert other is not None
    numbers = [word.strip(".;,$") for word in other.split() if any(sign.isdigit() for sign in word)]
    assert numbers[0] == numbers[1] != "12"
    assert numbers[2] == numbers[4] != "7"
    assert len(set(numbers)) == 4
    assert [len(number) for number in numbers] == [2, 2, 1, 5, 1, 2]


def test_exponents_indices_zero_one_and_drawings_keep_their_numbers() -> None:
    assert renumber("x^2 + a_3 + x^{12} - 0 + 1 [asy] size(200); [/asy]", Random(0)) is None


def test_the_words_between_the_numbers_stay() -> None:
    other = renumber(TRIANGLE, Random(2))
    assert other is not None
    assert "".join(sign for sign in other if not sign.isdigit()) == "".join(
        sign for sign in TRIANGLE if not sign.isdigit()
    )


@settings(max_examples=30, deadline=None)
@given(texts, seeds)
def test_the_same_seed_makes_the_same_rewriting(text: str, seed: int) -> None:
    assert paraphrase(text, Random(seed)) == paraphrase(text, Random(seed))
    assert renumber(text, Random(seed)) == renumber(text, Random(seed))
