"""Pairs of right and wrong solutions: what stands in them, which are taken, and where every solution went."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import prepare_preferences
import pytest
from sft_files import NO_ORIGIN, Inputs, Prepared, Row, problem, solution
from solution_files import read_lines


def prepare(folder: Path, solutions: list[Row], *, pairs: int = 4, ratio: float = 1.5, **inputs: Any) -> Prepared:
    """Run the script; `dropped` has problems and solutions."""
    made = Inputs(folder, solutions=solutions, **inputs)
    given = [flag for flag in made.arguments() if not flag.startswith("--figures")]
    given += [f"--pairs-per-problem={pairs}", f"--max-length-ratio={ratio}"]
    assert prepare_preferences.main(given) == 0
    dropped = {row["id"]: row["reason"] for row in read_lines(folder / "dropped")}
    counts = orjson.loads((folder / "counts").read_bytes())
    return Prepared(read_lines(folder / "output"), dropped, counts)


def long(problem_id: str, seed: int, judgement: str, characters: int) -> Row:
    return solution(problem_id, seed, judgement, reasoning=f"{seed}".ljust(characters, "x"))


def test_a_pair_is_the_prompt_a_right_and_a_wrong_solution_as_messages(tmp_path: Path) -> None:
    made = prepare(tmp_path, [solution("aa-1", 0, "no"), solution("aa-1", 1, "yes")])
    (row,) = made.rows
    (asked,) = row.pop("prompt")
    assert asked["content"].endswith("What is {{ aa-1 }}?")
    assert row == {
        "id": "aa-1-1-0", "problem_id": "aa-1", "problem": "What is {{ aa-1 }}?", **NO_ORIGIN,
        "expected_answer": "7.0", "answer_source": "majority", "pass_rate": 0.5,
        "chosen": [{"role": "assistant", "content": "<think>\nI think 1.\n</think>\n\nIt is \\boxed{7}."}],
        "rejected": [{"role": "assistant", "content": "<think>\nI think 0.\n</think>\n\nIt is \\boxed{7}."}],
        "chosen_answer": "7", "rejected_answer": "7", "chosen_judged_by": "llm", "rejected_judged_by": "llm",
    }  # fmt: skip
    assert (made.counts["read"], made.counts["passed"], made.counts["written"]) == (1, 1, 1)


def test_a_pair_says_where_its_problem_comes_from(tmp_path: Path) -> None:
    told = {"problem_source": "forum", "source_author": "ann", "source_license": "CC BY-SA"}
    solutions = [solution("aa-1", 0, "no"), solution("aa-1", 1, "yes")]
    (row,) = prepare(tmp_path, solutions, problems=[problem("aa-1", **told)]).rows
    assert {name: row[name] for name in NO_ORIGIN} == NO_ORIGIN | told


def test_every_solution_is_in_a_pair_or_has_a_reason(tmp_path: Path) -> None:
    verdicts = ["yes", "no", "no", "unfinished", "verdict_unreadable", "failed", "yes", "no", "no"]
    solutions = [solution("aa-1", seed, verdict) for seed, verdict in enumerate(verdicts)]
    solutions += [solution("bb-1", seed, "yes") for seed in range(2)] + [solution("cc-1", 0, "no")]
    solutions += [solution("dd-1", seed, verdict) for seed, verdict in enumerate(("yes", "no"))]
    made = prepare(tmp_path, solutions, problems=[problem(one) for one in ("aa-1", "bb-1", "cc-1")])
    assert len(made.rows) == 2
    assert made.counts["dropped"] == {"contaminated": 1, "no_right_solution": 1, "no_wrong_solution": 1}
    parts = Counter(made.counts["dropped_parts"])
    assert made.counts["solutions"] == len(solutions) == 2 * len(made.rows) + parts.total()
    assert {reason: parts[reason] for reason in ("unfinished", "unjudged", "failed", "over_limit")} == {
        "unfinished": 1, "unjudged": 1, "failed": 1, "over_limit": 2,
    }  # fmt: skip
    assert made.dropped["bb-1-0"] == "no_wrong_solution"


def test_no_solution_is_in_two_pairs_and_problems_have_no_more_than_wanted(tmp_path: Path) -> None:
    solutions = [solution("aa-1", seed, "yes" if seed % 2 else "no") for seed in range(12)]
    made = prepare(tmp_path / "all", solutions, pairs=9)
    sides = [side for row in made.rows for side in row["id"].split("-")[2:]]
    assert len(made.rows) == 6
    assert sorted(map(int, sides)) == list(range(12))
    few = prepare(tmp_path / "few", solutions, pairs=2)
    assert [row["id"] for row in few.rows] == [row["id"] for row in made.rows[:2]]


def test_which_pairs_are_taken_does_not_hang_on_the_order_of_solutions(tmp_path: Path) -> None:
    solutions = [solution("aa-1", seed, "yes" if seed % 3 else "no") for seed in range(9)]
    made = prepare(tmp_path / "one", solutions, pairs=2)
    turned = prepare(tmp_path / "two", solutions[::-1], pairs=2)
    assert [row["id"] for row in made.rows] == [row["id"] for row in turned.rows]


def test_texts_of_different_length_are_no_pair(tmp_path: Path) -> None:
    solutions = [long("aa-1", 0, "yes", 1000), long("aa-1", 1, "no", 1600), long("aa-1", 2, "no", 1300)]
    made = prepare(tmp_path / "a", solutions)
    assert [row["id"] for row in made.rows] == ["aa-1-0-2"]
    assert made.dropped == {"aa-1-1": "no_similar_length"}
    made = prepare(tmp_path / "b", solutions, ratio=1.1)
    assert made.rows == []
    assert made.counts["dropped"] == {"no_similar_length": 1}


def test_a_solution_with_reasoning_and_one_without_are_no_pair(tmp_path: Path) -> None:
    solutions = [solution("aa-1", 0, "yes", reasoning="7"), solution("aa-1", 1, "no", reasoning="")]
    assert prepare(tmp_path, solutions, ratio=100).counts["dropped"] == {"no_similar_length": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<think>a<think>b</think>\\boxed{7}", "think_tag_in_text"),
        ("<think>a\n```output\n7\n```</think>\\boxed{7}", "invented_output"),
        ("<think>a</think>", "empty_solution"),
        ("<think>I think 0.</think>It is \\boxed{7}.", "duplicate"),
    ],
)
def test_a_text_that_is_not_fit_for_a_row_is_in_no_pair(tmp_path: Path, text: str, reason: str) -> None:
    solutions = [solution("aa-1", 0, "yes"), solution("aa-1", 1, "no"), solution("aa-1", 2, "no", text=text)]
    made = prepare(tmp_path, solutions)
    assert made.dropped["aa-1-2"] == reason
    assert [row["id"] for row in made.rows] == ["aa-1-0-1"]


def test_no_judged_rows_make_no_pairs(tmp_path: Path) -> None:
    made = prepare(tmp_path, [])
    assert (made.rows, made.counts["read"], made.counts["solutions"]) == ([], 0, 0)
