"""Groups get the texts of their candidates: whole, in the order of the group."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from selection_files import compare, form, pool, summary
from solution_files import read_lines

ROWS = {"cot": [row for number in range(6) for row in pool(f"p{number}-1", 2, 3)]}


def test_every_candidate_stands_whole_under_its_index(tmp_path: Path) -> None:
    groups = form(tmp_path, ROWS)
    texts = {(row["id"], row["seed"]): row["summary"] for row in ROWS["cot"]}
    made = compare(tmp_path, ROWS, groups)
    for group, row in zip(groups.rows, made.rows, strict=True):
        shown = [texts[group["problem_id"], each["seed"]] for each in group["candidates"]]
        assert row["solutions"] == "\n\n".join(f"Solution {index}:\n{text}" for index, text in enumerate(shown))
        assert (row["num_solutions"], row["max_index"]) == (len(shown), len(shown) - 1)
        assert row["problem"] == f"The problem {group['problem_id']}."
    assert made.counts["read"] == made.counts["written"] == len(groups.rows)


def test_candidates_of_the_same_id_are_told_apart_by_their_recipe(tmp_path: Path) -> None:
    rows = {
        "one": [summary("a-1", 0, summary="Right.")],
        "two": [summary("a-1", 0, "6", right=False, summary="Wrong.")],
    }
    [row] = compare(tmp_path, rows, form(tmp_path, rows)).rows
    assert sorted(row["solutions"].split("\n\n")) in (
        ["Solution 0:\nRight.", "Solution 1:\nWrong."],
        ["Solution 0:\nWrong.", "Solution 1:\nRight."],
    )


def test_a_candidate_whose_summary_is_gone_is_an_error(tmp_path: Path) -> None:
    groups = form(tmp_path, ROWS)
    fewer = {"cot": [row for row in ROWS["cot"] if row["seed"] != 0]}
    with pytest.raises(UserError, match="has no summary"):
        compare(tmp_path, fewer, groups)


def test_another_summary_of_the_same_solution_is_not_taken_for_the_candidate(tmp_path: Path) -> None:
    groups = form(tmp_path, ROWS)
    other = {"cot": [row | {"summary_candidate": 3} for row in ROWS["cot"]]}
    with pytest.raises(UserError, match="has no summary"):
        compare(tmp_path, other, groups)
    assert read_lines(groups.path)
