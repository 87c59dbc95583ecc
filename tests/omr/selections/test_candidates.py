"""Which summaries can be shown as candidates."""

from __future__ import annotations

import random

import pytest
from omr.selections.candidates import Candidate, PoolRules, usable_candidates
from omr.selections.comparison import comparison_row

RULES = PoolRules(max_chars=200)


def candidate(seed: int, text: str, *, right: bool = True, recipe: str = "cot") -> Candidate:
    return Candidate(recipe, "p-1", seed, 0, "5", right, text)


def test_equal_texts_enter_once_whatever_their_white_space() -> None:
    given = [candidate(0, "So it is 5."), candidate(1, "So  it is\n5. "), candidate(0, "So it is 5.", recipe="other")]
    usable, left_out = usable_candidates(given, RULES)
    assert [each.name for each in usable] == ["cot/p-1-0"]
    assert {(each.candidate.name, each.reason) for each in left_out} == {
        ("cot/p-1-1", "equal_text"),
        ("other/p-1-0", "equal_text"),
    }


def test_a_text_that_counts_as_right_and_as_wrong_does_not_enter() -> None:
    usable, left_out = usable_candidates([candidate(0, "So."), candidate(1, "So.", right=False)], RULES)
    assert usable == []
    assert [each.reason for each in left_out] == ["right_and_wrong"] * 2


def test_a_long_text_is_left_out_and_never_cut() -> None:
    usable, left_out = usable_candidates([candidate(0, "x" * 201), candidate(1, "y" * 200)], RULES)
    assert [each.text for each in usable] == ["y" * 200]
    assert [each.reason for each in left_out] == ["candidate_too_long"]


@pytest.mark.parametrize(
    "line", ["Solution 3:", "**Solution 3:**", "## solution 12 :", "Judgment: 2", "**Judgement:** 1", "> Judgment: 0"]
)
def test_a_text_with_a_line_like_one_of_ours_is_left_out(line: str) -> None:
    assert usable_candidates([candidate(0, f"First.\n{line}\nThen.")], RULES)[0] == []


@pytest.mark.parametrize("line", ["The solution is 3: that is all.", "In my judgment it is 3.", "Solution: 3"])
def test_prose_that_speaks_of_solutions_may_be_shown(line: str) -> None:
    assert len(usable_candidates([candidate(0, line)], RULES)[0]) == 1


@pytest.mark.parametrize("tag", ["<think>", "</think>"])
def test_a_text_with_a_tag_of_reasoning_is_left_out(tag: str) -> None:
    assert [each.reason for each in usable_candidates([candidate(0, f"So {tag} 5")], RULES)[1]] == ["think_tag_in_text"]


def test_the_order_of_the_candidates_does_not_matter() -> None:
    given = [candidate(seed, text) for seed, text in enumerate(["a", "b", "a", "c", "b", "a"])]
    first = usable_candidates(given, RULES)
    for number in range(5):
        assert usable_candidates(random.Random(number).sample(given, len(given)), RULES) == first


def test_candidates_are_shown_whole_under_headings_from_zero() -> None:
    row = comparison_row({"id": "p-1-g0", "problem_id": "p-1"}, "What?", ["First.\n\nEnd.", "Second."])
    assert row["solutions"] == "Solution 0:\nFirst.\n\nEnd.\n\nSolution 1:\nSecond."
    assert (row["num_solutions"], row["max_index"]) == (2, 1)
