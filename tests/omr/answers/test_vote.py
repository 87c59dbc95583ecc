"""The majority vote over final answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.answers.verdict import Verdict
from omr.answers.vote import Requirement, Vote, Voted, majority, merge_classes, open_pairs

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


def test_equally_large_classes_are_a_tie_whose_first_is_the_shortest_name_then_the_first_in_order() -> None:
    assert majority({"bb": 2, "a": 1, "aa": 1, "c": 2}, by_first_letter) == Vote("a", 2, 6, tied=True)
    assert majority({"d": 2, "c": 2}, by_first_letter) == Vote("c", 2, 4, tied=True)
    assert not majority({"d": 2, "c": 1}, by_first_letter).tied


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


# Votes that hang on which answers are the same


def compare(pairs: Iterable[tuple[str, str]]) -> Iterator[Verdict]:
    """Numbers differ from each other; words may be anything."""
    return (Verdict.DIFFERENT if one.isdigit() and other.isdigit() else Verdict.UNKNOWN for one, other in pairs)


def classes(**votes: int) -> list[Voted]:
    """`five=2` and, for numbers, `n5=2`."""
    return [Voted(name.removeprefix("n"), n) if name[1:].isdigit() else Voted(name, n) for name, n in votes.items()]


ANY = Requirement(min_votes=1, min_share=0.0)


@pytest.mark.parametrize(
    ("vote", "fault"),
    [
        (None, "no_readable_answer"),
        (Vote("5", 1, 1), "too_few_votes"),
        (Vote("5", 2, 4, tied=True), "tied_vote"),
        (Vote("5", 2, 9), "low_vote_share"),
        (Vote("5", 2, 8), None),
        (Vote("5", 2, 2), None),
    ],
)
def test_a_majority_has_enough_votes_and_share_and_no_equal(vote: Vote | None, fault: str | None) -> None:
    assert Requirement(min_votes=2, min_share=0.25).fault(vote) == fault


def test_a_tie_of_answers_that_may_be_the_same_is_asked_about() -> None:
    assert open_pairs(classes(five=2, n5=2), ANY, compare, 6).pairs == [(0, 1)]


def test_a_tie_of_answers_that_are_proven_to_differ_is_asked_about_only_where_a_third_could_break_it() -> None:
    assert open_pairs(classes(n5=2, n6=2), ANY, compare, 6).pairs == []
    found = open_pairs(classes(n5=2, n6=2, five=1), ANY, compare, 6)
    assert (found.pairs, found.different) == ([(0, 2), (1, 2)], [(0, 1)])


def test_a_winner_that_nothing_can_overtake_asks_nothing_and_compares_nothing() -> None:
    def never(pairs: Iterable[tuple[str, str]]) -> Iterator[Verdict]:
        raise AssertionError("nothing to compare")

    assert open_pairs(classes(n5=5, five=2, six=2), ANY, never, 6).pairs == []


def test_rivals_that_together_reach_the_winner_are_asked_about() -> None:
    assert (1, 2) in open_pairs(classes(n5=4, six=3, n6=2), ANY, compare, 6).pairs
    assert open_pairs(classes(n5=4, n6=3, n7=2), ANY, compare, 6).pairs == []


def test_too_few_votes_are_asked_about_where_they_could_become_enough() -> None:
    three = Requirement(min_votes=3, min_share=0.0)
    assert open_pairs(classes(five=2, n5=1), three, compare, 6).pairs == [(0, 1)]
    assert open_pairs(classes(five=1, n5=1), three, compare, 6).pairs == []
    share = Requirement(min_votes=1, min_share=0.6)
    assert open_pairs(classes(five=2, n5=1, n6=1), share, compare, 6).pairs != []
    assert open_pairs(classes(n5=2, n7=1, n6=1), share, compare, 6).pairs == []


def test_no_more_pairs_are_asked_about_than_allowed_and_those_with_most_votes_first() -> None:
    tied = classes(five=3, cinq=3, funf=2, pet=1)
    assert open_pairs(tied, ANY, compare, 2).pairs == [(0, 1), (0, 2)]
    assert open_pairs(tied, ANY, compare, 0).pairs == []


def test_classes_that_are_the_same_vote_together_under_the_commonest_name() -> None:
    assert merge_classes(classes(n5=2, n6=2, five=1), [(0, 2)], []) == classes(n5=3, n6=2)
    assert merge_classes(classes(n5=2, n6=2, five=1), [], []) == classes(n5=2, n6=2, five=1)


def test_no_model_unites_what_is_proven_to_differ_even_through_a_third() -> None:
    given = classes(n5=2, n6=2, five=1)
    assert merge_classes(given, [(0, 1)], [(0, 1)]) == given
    assert merge_classes(given, [(0, 2), (1, 2)], [(0, 1)]) == classes(n5=3, n6=2)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.data())
def test_uniting_classes_loses_no_vote(votes: list[int], data: st.DataObject) -> None:
    given = sorted((Voted(f"a{place}", n) for place, n in enumerate(votes)), key=lambda each: -each.votes)
    place = st.integers(0, len(votes) - 1)
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=8))
    merged = merge_classes(given, [(min(pair), max(pair)) for pair in pairs], [])
    assert sum(each.votes for each in merged) == sum(votes)
    assert {each.answer for each in merged} <= {each.answer for each in given}
