"""A wrong solution's summary counts only if it states the solution's own wrong answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from solution_files import Made, Row, cut, failed, run_stage
from summary_files import explained, flags, trace

SHORT, LONG = "So \\boxed{6}.", "Since two and three make six, the answer is \\boxed{6}."


def merge(folder: Path, traces: list[Row], summaries: dict[str, list[str | Row]]) -> Made:
    return run_stage("merge_wrong_summaries", folder / "wrong_summarized.jsonl", flags(folder, traces, summaries))


def wrong(problem_id: str = "a-1", seed: int = 0, predicted: str = "6") -> Row:
    return trace(problem_id, seed, predicted=predicted) | {"judgement": "no"}


def test_the_longest_faithful_summary_is_kept(tmp_path: Path) -> None:
    repaired = "A very long explanation that ends in the right answer after all, and so in \\boxed{5}."
    [row] = merge(tmp_path, [wrong()], {"a-1-0": [SHORT, repaired, LONG, SHORT]}).rows
    assert (row["summary"], row["summary_answer"], row["summary_candidate"]) == (explained(LONG), "6", 2)
    assert row["faithful_summaries"] == 3


def test_the_same_answer_in_another_spelling_is_faithful(tmp_path: Path) -> None:
    [row] = merge(tmp_path, [wrong(predicted="1/2")], {"a-1-0": ["So \\boxed{0.5}."]}).rows
    assert row["summary_answer"] == "0.5"


def test_a_summary_that_repairs_the_answer_is_counted_and_does_not_count(tmp_path: Path) -> None:
    made = merge(tmp_path, [wrong()], {"a-1-0": ["So \\boxed{5}.", "So \\boxed{7}.", "No box."]})
    [dropped] = made.dropped
    assert (dropped["reason"], dropped["candidates"]) == (
        "answer_repaired",
        {"answer_repaired": 1, "no_answer": 1, "other_answer": 1},
    )
    assert made.counts["candidates"]["answer_repaired"] == 1


@pytest.mark.parametrize(
    ("candidate", "became"),
    [
        ("So \\boxed{7}.", "other_answer"),
        ("So \\boxed{the day after Thursday}.", "unproven"),
        ("No box.", "no_answer"),
        (cut(SHORT), "unfinished_reply"),
        (failed("refused"), "request_failed_refused"),
        ("<think>It is \\boxed{6}.", "no_answer"),
    ],
)
def test_nothing_but_a_proof_makes_a_summary_faithful(tmp_path: Path, candidate: str | Row, became: str) -> None:
    made = merge(tmp_path, [wrong()], {"a-1-0": [candidate]})
    assert made.rows == []
    assert made.counts["dropped"] == {"no_faithful_summary": 1}
    assert made.counts["candidates"] == {became: 1}


def test_an_answer_that_is_both_the_own_and_the_expected_one_proves_nothing(tmp_path: Path) -> None:
    made = merge(tmp_path, [wrong(predicted="5.0")], {"a-1-0": ["So \\boxed{5}."]})
    assert made.counts["candidates"] == {"unproven": 1}


def test_a_row_is_the_judged_row_with_the_summary_and_without_the_reasoning(tmp_path: Path) -> None:
    [row] = merge(tmp_path, [wrong(seed=2)], {"a-1-2": [f"<think>How?</think>\n{LONG}"]}).rows
    assert (row["id"], row["seed"], row["judgement"], row["summary"]) == ("a-1", 2, "no", explained(LONG))
    assert not {"problem", "problem_id", "solution"} & row.keys()


def test_every_trace_is_kept_or_dropped_in_order(tmp_path: Path) -> None:
    traces = [wrong(f"{number}-1", seed) for number in range(4) for seed in range(3)]
    made = merge(tmp_path, traces, {row["id"]: [SHORT if row["seed"] else "No box."] for row in traces})
    assert [(row["id"], row["seed"]) for row in made.rows] == [
        (row["problem_id"], row["seed"]) for row in traces if row["seed"]
    ]
    assert made.counts["read"] == 12 == len(made.rows) + len(made.dropped)
