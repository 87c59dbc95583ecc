"""The majority vote over final answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.answers.vote import Vote, majority

SPELLINGS = st.dictionaries(st.text("ab/ ", min_size=1, max_size=4), st.integers(1, 5), min_size=1, max_size=8)


def by_first_letter(answers: Sequence[str]) -> list[int]:
    """Answers that begin alike are the same."""
    return [ord(answer[0]) for answer in answers]


def all_apart(answers: Sequence[str]) -> list[int]:
    return list(range(len(answers)))


def test_spellings_of_a_class_vote_together_against_the_commonest_single_spelling() -> None:
    assert majority({"b": 3, "a1": 2, "a2": 2}, by_first_letter) == Vote("a1", 4, 7)


def test_the_commonest_spelling_of_the_class_is_written() -> None:
    assert majority({"a": 1, "a long": 2, "b": 1}, by_first_letter).answer == "a long"


def test_equally_common_spellings_yield_the_shortest_then_the_first_in_order() -> None:
    assert majority({"accc": 2, "abb": 2, "aab": 2}, by_first_letter).answer == "aab"


def test_equally_large_classes_yield_the_shortest_name_then_the_first_in_order() -> None:
    assert majority({"bb": 2, "a": 1, "aa": 1, "c": 2}, by_first_letter).answer == "a"
    assert majority({"d": 2, "c": 2}, by_first_letter).answer == "c"


def test_one_spelling_needs_no_grouping() -> None:
    def never(answers: Sequence[str]) -> list[int]:
        raise AssertionError("there is nothing to group")

    assert majority({"a": 3}, never) == Vote("a", 3, 3)


def test_the_share_is_of_all_votes() -> None:
    assert majority({"a": 3, "b": 1}, all_apart).share == pytest.approx(0.75)


@settings(deadline=None, max_examples=100)
@given(SPELLINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_changes_nothing(spellings: dict[str, int], random: object) -> None:
    shuffled = sorted(spellings, key=lambda _: random.random())  # type: ignore[attr-defined]
    for group in (by_first_letter, all_apart):
        again = majority({spelling: spellings[spelling] for spelling in shuffled}, group)
        assert again == majority(spellings, group)


@settings(deadline=None, max_examples=100)
@given(SPELLINGS)
def test_the_winner_has_at_least_the_votes_of_its_commonest_spelling(spellings: dict[str, int]) -> None:
    vote = majority(spellings, by_first_letter)
    assert max(spellings.values()) <= vote.votes <= vote.total == sum(spellings.values())
    assert vote.answer in spellings
