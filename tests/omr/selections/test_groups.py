"""Groups have right and wrong candidates, at most a share of right ones, and follow from hashes alone."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from omr.selections.candidates import Candidate
from omr.selections.groups import Formed, GroupRules, form_groups

RULES = GroupRules(groups=8, max_size=16, max_right_share=0.5)


def pool(right: int, wrong: int, problem: str = "p-1") -> list[Candidate]:
    kinds = [True] * right + [False] * wrong
    return [
        Candidate("cot", problem, seed, 0, "5" if kind else str(100 + seed), kind, f"Text {seed}.")
        for seed, kind in enumerate(kinds)
    ]


def names(formed: Formed) -> list[list[str]]:
    return [[member.name for member in group.members] for group in formed.groups]


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from([0.2, 0.3, 0.5, 0.7, 0.9]), st.integers(2, 20))
def test_every_group_has_right_and_wrong_ones_and_at_most_the_share_of_right_ones(
    right: int, wrong: int, share: float, max_size: int
) -> None:
    rules = GroupRules(groups=4, max_size=max_size, max_right_share=share)
    formed = form_groups("p-1", pool(right, wrong), rules)
    for group in formed.groups:
        size = len(group.members)
        assert rules.smallest <= size <= max_size
        assert 1 <= group.right < size
        assert group.right <= size * share + 1e-6
        assert len({member.name for member in group.members}) == size
    possible = rules.largest(right, wrong) >= rules.smallest
    assert bool(formed.groups) == possible


def test_the_largest_size_that_the_pool_allows_is_drawn_too() -> None:
    sizes = Counter(
        len(group.members) for number in range(2000) for group in form_groups(f"p-{number}", pool(2, 2), RULES).groups
    )
    assert sorted(sizes) == [2, 3, 4]


def test_a_shuffled_pool_gives_the_same_groups_in_the_same_order() -> None:
    known = pool(7, 9)
    first = names(form_groups("p-1", known, RULES))
    assert len(first) == 8
    for number in range(5):
        assert names(form_groups("p-1", random.Random(number).sample(known, len(known)), RULES)) == first


def test_no_two_groups_of_a_problem_have_the_same_candidates() -> None:
    for number in range(200):
        formed = form_groups(f"p-{number}", pool(2, 2), RULES)
        sets = [frozenset(group) for group in names(formed)]
        assert len(sets) == len(set(sets))


def test_another_order_of_the_same_candidates_is_no_new_group() -> None:
    formed = form_groups("p-1", pool(1, 1), RULES)
    assert len(formed.groups) == 1
    assert formed.equal == 15


def test_right_candidates_stand_at_every_position_equally_often() -> None:
    positions = Counter(
        position
        for number in range(3000)
        for group in form_groups(f"p-{number}", pool(1, 3), GroupRules(1, 4, 0.5)).groups
        for position, member in enumerate(group.members)
        if len(group.members) == 3 and member.right
    )
    each = positions.total() / 3
    assert all(abs(n - each) < 5 * each**0.5 for n in positions.values())


def test_a_group_that_is_refused_is_told_and_the_next_one_takes_its_place() -> None:
    formed = form_groups("p-1", pool(8, 8), RULES, lambda members: len(members) < 10)
    assert all(len(group.members) >= 10 for group in formed.refused)
    assert formed.refused
    assert all(len(group.members) < 10 for group in formed.groups)


def test_a_problem_without_right_or_wrong_candidates_has_no_group() -> None:
    assert form_groups("p-1", pool(0, 5), RULES).groups == []
    assert form_groups("p-1", pool(5, 0), RULES).groups == []
