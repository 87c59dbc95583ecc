"""Which solutions get new summaries, and where their reasoning ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omr.errors import UserError
from solution_files import Made, boxed, cut, failed, fill, judge, problem, read_lines, run_stage, write_rows


def trace(folder: Path, problems: list[dict[str, Any]], solutions: dict[str, list[Any]], **verdict: str) -> Made:
    judged = judge(folder, fill(folder, problems, solutions), verdict)
    return run_stage("select_traces", folder / "traces.jsonl", flags(folder, judged.path))


def flags(folder: Path, judged: Path) -> dict[str, object]:
    return {
        "problems": folder / "problems.jsonl",
        "judged": judged,
        "solutions": sorted(folder.glob("seed-*.jsonl")),
        "prompt-name": "solve_cot",
    }


def test_reasoning_is_trimmed_after_the_step_of_its_last_box(tmp_path: Path) -> None:
    text = "<think>\nTry \\boxed{4}.\n\nNo: \\boxed{5}.\n\nLet me check it.\n</think>\n\nIt is \\boxed{5}."
    made = trace(tmp_path, [problem("a-1", "5")], {"a-1": [{"text": text}]})
    assert made.rows[0]["solution"] == "Try \\boxed{4}.\n\nNo: \\boxed{5}."
    assert made.counts["trimming"] == {"trimmed": 1}


def test_reasoning_that_goes_on_after_a_box_with_another_answer_stays_whole(tmp_path: Path) -> None:
    reasoning = "First part: \\boxed{4}.\n\nAdding one gives five."
    text = f"<think>\n{reasoning}\n</think>\n\nIt is \\boxed{{5}}."
    made = trace(tmp_path, [problem("a-1", "5")], {"a-1": [{"text": text}]})
    assert made.rows[0]["solution"] == reasoning
    assert made.counts["trimming"] == {"box_of_another_answer": 1}


def test_the_same_answer_in_another_spelling_is_where_the_reasoning_ends(tmp_path: Path) -> None:
    text = "<think>\nSo \\boxed{0.5}.\n\nCheck.\n</think>\n\nIt is \\boxed{\\frac{1}{2}}."
    made = trace(tmp_path, [problem("a-1", "1/2")], {"a-1": [{"text": text}]})
    assert made.rows[0]["solution"] == "So \\boxed{0.5}."


def test_reasoning_in_its_own_field_gives_the_same_trace(tmp_path: Path) -> None:
    inside = {"text": "<think>\nSo \\boxed{5}.\n\nCheck.\n</think>\n\nIt is \\boxed{5}."}
    apart = {"text": "It is \\boxed{5}.", "reasoning": "So \\boxed{5}.\n\nCheck."}
    made = trace(tmp_path, [problem("a-1", "5")], {"a-1": [inside, apart]})
    assert [row["solution"] for row in made.rows] == ["So \\boxed{5}."] * 2


def test_only_right_and_finished_solutions_with_reasoning_get_a_trace(tmp_path: Path) -> None:
    solutions = ["5", "6", "odd", cut(boxed("5")), {"text": "?"}, {"text": "\\boxed{5}"}, failed("refused")]
    made = trace(tmp_path, [problem("a-1", "5")], {"a-1": solutions}, odd="Perhaps.")
    assert [row["id"] for row in made.rows] == ["a-1-0"]
    assert [(row["seed"], row["reason"]) for row in made.dropped] == [
        (1, "wrong"),
        (2, "unjudged"),
        (3, "unfinished"),
        (4, "no_answer"),
        (5, "empty_reasoning"),
        (6, "failed"),
    ]


def test_a_trace_carries_its_problem_and_the_judged_row(tmp_path: Path) -> None:
    made = trace(tmp_path, [problem("a-1", "5")], {"a-1": ["5"]})
    judged = read_lines(tmp_path / "judged.jsonl")[0]
    [row] = made.rows
    assert (row["id"], row["problem_id"], row["problem"]) == ("a-1-0", "a-1", "The problem a-1.")
    assert {key: row[key] for key in judged if key != "id"} == {key: judged[key] for key in judged if key != "id"}


def test_solutions_are_found_by_id_and_not_by_place(tmp_path: Path) -> None:
    given = {"a-1": ["5", "5"], "b-1": ["6", "6"]}
    problems = [problem("a-1", "5"), problem("b-1", "6")]
    before = trace(tmp_path, problems, given).path.read_bytes()
    for path in tmp_path.glob("seed-*.jsonl"):
        write_rows(path, reversed(read_lines(path)))
    again = run_stage("select_traces", tmp_path / "traces.jsonl", flags(tmp_path, tmp_path / "judged.jsonl"))
    assert again.path.read_bytes() == before


def test_a_judged_solution_that_is_gone_is_an_error(tmp_path: Path) -> None:
    trace(tmp_path, [problem("a-1", "5")], {"a-1": ["5"]})
    write_rows(tmp_path / "seed-00.jsonl", [])
    with pytest.raises(UserError, match="no finished solution of problem 'a-1' with seed 0"):
        run_stage("select_traces", tmp_path / "again.jsonl", flags(tmp_path, tmp_path / "judged.jsonl"))
    assert not (tmp_path / "again.jsonl").exists()


def test_an_output_that_the_model_invented_gives_no_trace(tmp_path: Path) -> None:
    text = "<think>\nI run it.\n```python\nprint(5)\n```\n```output\n5\n```\n</think>\n\nIt is \\boxed{5}."
    made = trace(tmp_path, [problem("a-1", "5")], {"a-1": [{"text": text}, "5"]})
    assert [(row["seed"], row["reason"]) for row in made.dropped] == [(0, "invented_output")]
    assert [row["seed"] for row in made.rows] == [1]
