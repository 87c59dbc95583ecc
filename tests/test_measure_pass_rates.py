"""The share of right ones among a recipe's solutions, problem by problem."""

from __future__ import annotations

from pathlib import Path

from solution_files import Made, Row, run_stage, write_rows


def judged(problem_id: str, *verdicts: str, source: str = "extracted") -> list[Row]:
    """`yes`, `no`, or the reason why a solution is not judged."""
    return [
        {"id": problem_id, "seed": seed, "expected_answer": "7", "answer_source": source}
        | {"judgement": verdict if verdict in ("yes", "no") else "unjudged"}
        | {"unjudged_reason": None if verdict in ("yes", "no") else verdict}
        for seed, verdict in enumerate(verdicts)
    ]


def measure(folder: Path, *shards: list[Row]) -> Made:
    files = [write_rows(folder / f"{number}.jsonl", rows) for number, rows in enumerate(shards)]
    return run_stage("measure_pass_rates", folder / "rates.jsonl", {"judged": files})


def test_what_is_not_known_counts_neither_way(tmp_path: Path) -> None:
    rows = judged("a-1", "yes", "no", "unfinished", "no_answer", "verdict_unreadable", "failed")
    (row,) = measure(tmp_path, rows).rows
    assert row == {
        "id": "a-1", "solutions": 6, "right": 1, "wrong": 3, "unjudged": 2, "share": 0.25,
        "answer": "7", "answer_source": "extracted",
    }  # fmt: skip


def test_nothing_known_is_no_share_and_not_zero(tmp_path: Path) -> None:
    (row,) = measure(tmp_path, judged("a-1", "failed", "verdict_no_reply")).rows
    assert (row["share"], row["wrong"]) == (None, 0)


def test_shards_come_one_after_the_other_and_every_problem_is_counted(tmp_path: Path) -> None:
    made = measure(
        tmp_path, judged("a-1", "yes") + judged("b-1", "no", "yes"), [], judged("c-1", "no", source="majority")
    )
    assert [(row["id"], row["share"]) for row in made.rows] == [("a-1", 1.0), ("b-1", 0.5), ("c-1", 0.0)]
    assert (made.counts["read"], made.counts["written"], made.counts["solutions"]) == (3, 3, 4)
    assert made.rows[-1]["answer_source"] == "majority"
