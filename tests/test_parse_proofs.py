from __future__ import annotations

from pathlib import Path

import pytest
from labelling_rows import CLASS_PROMPTS, class_replies
from omr.errors import UserError
from parse_proofs import main
from stage_runs import Row, assert_conserved, hostile_replies, run_stage, same_for_any_order


def converted(number: int) -> Row:
    ids = {"id": f"{number:016x}-1", "thread_id": f"{number:016x}"}
    return ids | {"problem": f"Find ${number}+x$.", "original_problem": f"Prove ${number}+x>0$."}


def test_a_converted_problem_of_no_class_passes(tmp_path: Path) -> None:
    row = converted(0)
    run = run_stage(main, tmp_path, {"converted": [row]}, class_replies(row["id"]))
    assert run.rows == [row | {"expected_answer": None, "problem_type": "converted_proof"}]
    assert run.counts["verdicts"]["is_proof"] == {"true": 0, "false": 1, "null": 0}


@pytest.mark.parametrize(
    ("labels", "texts", "reason"),
    [
        (["proof"], {}, "proof"),
        (["mcq"], {}, "mcq"),
        (["binary"], {}, "binary"),
        (["invalid", "proof"], {}, "invalid"),
        ([], {"mcq": "who knows"}, "unreadable_class"),
        (["proof"], {"mcq": None}, "unreadable_class"),
    ],
)
def test_any_class_that_is_true_or_unreadable_drops_the_row(
    tmp_path: Path, labels: list[str], texts: dict[str, str | None], reason: str
) -> None:
    row = converted(0)
    run = run_stage(main, tmp_path, {"converted": [row]}, class_replies(row["id"], labels, texts))
    assert run.reasons == {row["id"]: reason}
    assert run.rows == []
    assert run.dropped[0]["is_proof"] is ("proof" in labels)


def test_no_row_is_lost_under_hostile_replies_in_any_order(tmp_path: Path) -> None:
    rows = [converted(number) for number in range(60)]
    replies = hostile_replies([row["id"] for row in rows[:50]], CLASS_PROMPTS)
    replies += [one for row in rows[50:] for one in class_replies(row["id"])]
    run = same_for_any_order(main, tmp_path, {"converted": rows}, replies)
    assert_conserved(run)
    assert [row["id"] for row in run.rows] == [row["id"] for row in rows[50:]]


def test_no_rows_make_empty_files(tmp_path: Path) -> None:
    run = run_stage(main, tmp_path, {"converted": []}, [])
    assert (run.rows, run.dropped, run.counts["read"]) == ([], [], 0)


def test_an_id_that_occurs_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stands in line 1 already"):
        run_stage(main, tmp_path, {"converted": [converted(0), converted(0)]}, [])
