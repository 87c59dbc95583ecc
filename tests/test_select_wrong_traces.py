"""Which wrong solutions get new summaries: known to be wrong, and spread over different answers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from solution_files import Made, boxed, cut, failed, fill, judge, problem, read_lines, run_stage, write_rows


def wrong_traces(folder: Path, solutions: dict[str, list[Any]], wanted: int = 15, **verdict: str) -> Made:
    problems = [problem(problem_id, "5") for problem_id in solutions]
    judged = judge(folder, fill(folder, problems, solutions), verdict)
    return run_stage("select_wrong_traces", folder / "wrong_traces.jsonl", flags(folder, judged.path, wanted))


def flags(folder: Path, judged: Path, wanted: int) -> dict[str, object]:
    return {
        "problems": folder / "problems.jsonl",
        "judged": judged,
        "solutions": sorted(folder.glob("seed-*.jsonl")),
        "prompt-name": "solve_cot",
        "wrong-per-problem": wanted,
    }


def test_only_what_is_known_to_be_wrong_is_taken(tmp_path: Path) -> None:
    solutions = ["5", "6", "odd", cut(boxed("6")), {"text": "?"}, {"text": "\\boxed{7}"}, failed("refused")]
    made = wrong_traces(tmp_path, {"a-1": solutions}, odd="Perhaps.")
    assert [row["id"] for row in made.rows] == ["a-1-1"]
    assert [(row["seed"], row["reason"]) for row in made.dropped] == [
        (0, "right"),
        (2, "unjudged"),
        (3, "unfinished"),
        (4, "no_answer"),
        (5, "empty_reasoning"),
        (6, "failed"),
    ]


def test_a_problem_without_a_right_solution_gives_no_wrong_ones(tmp_path: Path) -> None:
    made = wrong_traces(tmp_path, {"a-1": ["6", "7", "odd"]}, odd="Perhaps.")
    assert made.rows == []
    assert made.counts["dropped"] == {"no_right_solution": 2, "unjudged": 1}


def test_different_wrong_answers_come_first_whatever_their_spelling(tmp_path: Path) -> None:
    solutions = ["5", "6", "6.0", "\\frac{12}{2}", "6", "7", "8"]
    made = wrong_traces(tmp_path, {"a-1": solutions}, wanted=3)
    answers = [row["predicted_answer"] for row in made.rows]
    assert {"7", "8"} < set(answers)
    assert len(answers) == 3
    assert made.counts["dropped"] == {"enough_others": 3, "right": 1}


def test_a_second_one_of_each_answer_comes_before_a_third_of_any(tmp_path: Path) -> None:
    made = wrong_traces(tmp_path, {"a-1": ["5", *["6"] * 6, *["7"] * 2]}, wanted=4)
    assert sorted(row["predicted_answer"] for row in made.rows) == ["6", "6", "7", "7"]


def test_one_without_reasoning_is_replaced_by_the_next(tmp_path: Path) -> None:
    made = wrong_traces(tmp_path, {"a-1": ["5", {"text": "\\boxed{6}"}, {"text": "\\boxed{7}"}, "8"]}, wanted=1)
    assert [row["id"] for row in made.rows] == ["a-1-3"]


def test_further_ones_are_taken_in_their_order_where_several_have_no_reasoning(tmp_path: Path) -> None:
    empty = {"text": "\\boxed{6}"}
    made = wrong_traces(
        tmp_path, {"a-1": ["5", *[empty] * 4, "7", "8", "9"], "b-1": ["5", empty, "6", *["5"] * 5]}, wanted=2
    )
    of_first = [row["predicted_answer"] for row in made.rows if row["problem_id"] == "a-1"]
    assert len(of_first) == 2
    assert set(of_first) < {"7", "8", "9"}
    assert [row["id"] for row in made.rows if row["problem_id"] == "b-1"] == ["b-1-2"]
    assert 1 <= made.counts["dropped"]["empty_reasoning"] <= 5


def test_reasoning_is_trimmed_after_the_step_of_its_own_last_box(tmp_path: Path) -> None:
    text = "<think>\nTry \\boxed{5}.\n\nNo: \\boxed{6}.\n\nLet me check it.\n</think>\n\nIt is \\boxed{6}."
    made = wrong_traces(tmp_path, {"a-1": ["5", {"text": text}]})
    assert made.rows[0]["solution"] == "Try \\boxed{5}.\n\nNo: \\boxed{6}."
    assert made.rows[0]["judgement"] == "no"


def test_the_same_ones_are_taken_from_shuffled_rows(tmp_path: Path) -> None:
    solutions = {"a-1": ["5", *map(str, range(6, 12)), *map(str, range(6, 12))]}
    first = {row["id"] for row in wrong_traces(tmp_path, solutions, wanted=4).rows}
    rows = read_lines(tmp_path / "judged.jsonl")
    for number in range(3):
        shuffled = write_rows(tmp_path / "shuffled.jsonl", random.Random(number).sample(rows, len(rows)))
        again = run_stage("select_wrong_traces", tmp_path / "again.jsonl", flags(tmp_path, shuffled, 4))
        assert {row["id"] for row in again.rows} == first


def test_every_solution_is_taken_or_dropped(tmp_path: Path) -> None:
    made = wrong_traces(tmp_path, {"a-1": ["5", "6", "7"], "b-1": ["6", "6", "6"], "c-1": ["5", "5", "5"]}, wanted=1)
    assert made.counts["read"] == 9 == len(made.rows) + len(made.dropped)
