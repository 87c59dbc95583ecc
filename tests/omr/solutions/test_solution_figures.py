"""Figures of judged solutions: counted by problem, added up over shards, told to two digits."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from omr.solutions.pass_rate import pass_rate
from omr.solutions.solution_figures import UNKNOWN, SolutionFigures, median, share_group


def rows(*judgements: str, tokens: int | None = 1234, source: str = "extracted") -> list[dict[str, Any]]:
    shared = {"answer_source": source, "majority_votes": 2, "total_votes": 3, "completion_tokens": tokens}
    return [shared | {"judgement": judgement, "unjudged_reason": "verdict_no_reply"} for judgement in judgements]


def figures(*problems: list[dict[str, Any]]) -> SolutionFigures:
    found = SolutionFigures()
    for problem in problems:
        found.add(pass_rate(problem), problem)
    return found


PROBLEMS = (rows("yes", "no"), rows("yes", "yes", tokens=None), rows("unjudged", source="majority", tokens=98))


def test_problems_and_solutions_are_counted() -> None:
    found = figures(*PROBLEMS)
    assert (found.problems, found.unknown, found.without_length) == (3, 1, 2)
    assert found.pass_rates == {(1, 2): 1, (2, 2): 1}
    assert found.votes == {"extracted": {(2, 3): 2}, "majority": {(2, 3): 1}}
    assert found.lengths == {"right": {5: {1200: 1}}, "other": {5: {1200: 1}, UNKNOWN: {98: 1}}}


def test_a_solution_that_the_pass_rate_leaves_out_has_no_part_in_its_group() -> None:
    problem = rows("yes", "yes", "unjudged")
    problem.append(problem[0] | {"judgement": "unjudged", "unjudged_reason": "no_answer", "completion_tokens": 50})
    assert figures(problem[:3]).lengths == {"right": {11: {1200: 2}}, "other": {UNKNOWN: {1200: 1}}}
    # What counts as wrong is in the group.
    assert figures(problem).lengths == {"right": {7: {1200: 2}}, "other": {UNKNOWN: {1200: 1}, 7: {50: 1}}}


def test_figures_of_shards_add_up_to_those_of_the_whole() -> None:
    added = SolutionFigures()
    for problem in PROBLEMS:
        added.add_json(orjson.loads(orjson.dumps(figures(problem).as_json())))
    assert added.as_json() == figures(*PROBLEMS).as_json()


@pytest.mark.parametrize(
    ("part", "whole", "group"), [(0, 7, 0), (7, 7, 11), (1, 10, 1), (1, 9, 2), (9, 10, 9), (99, 100, 10), (1, 1000, 1)]
)
def test_a_share_has_its_group(part: int, whole: int, group: int) -> None:
    assert share_group(part, whole) == group


def test_the_middle_of_lengths_is_the_lower_of_two() -> None:
    assert median({}) is None
    assert median({5: 1}) == 5
    assert median({1: 2, 9: 2}) == 1
    assert median({1: 1, 9: 2}) == 9
