from __future__ import annotations

from pathlib import Path

import pytest
from labelling_rows import classified
from omr.errors import UserError
from parse_answers import main
from stage_runs import assert_conserved, hostile_replies, reply, run_stage, same_for_any_order

PROMPT = "extract_answers"


def test_an_answer_or_its_absence_becomes_a_row_without_forum_text(tmp_path: Path) -> None:
    rows = [classified(0), classified(1)]
    replies = [reply(rows[0]["id"], PROMPT, "Answer: $\\boxed{0}$"), reply(rows[1]["id"], PROMPT, "Answer not found.")]
    run = run_stage(main, tmp_path, {"classified": rows}, replies)
    kept = [{field: row[field] for field in ("id", "thread_id", "problem")} for row in rows]
    assert run.rows == [
        kept[0] | {"expected_answer": "0", "problem_type": "has_answer_extracted"},
        kept[1] | {"expected_answer": None, "problem_type": "no_answer_extracted"},
    ]
    assert run.counts["problem_types"] == {"has_answer_extracted": 1, "no_answer_extracted": 1}


def test_an_unreadable_answer_is_dropped_and_not_taken_for_no_answer(tmp_path: Path) -> None:
    rows = [classified(number) for number in range(6)]
    texts = ["The area is 48.", "Answer: " + "1" * 5_000, "<think>Answer: 5", None, " "]
    replies = [reply(row["id"], PROMPT, text) for row, text in zip(rows, texts, strict=False)]
    run = run_stage(main, tmp_path, {"classified": rows}, replies)
    assert run.rows == []
    reasons = ["unreadable_answer", "too_long_answer", "unreadable_answer", "request_failed_context_overflow"]
    assert list(run.reasons.values()) == [*reasons, "empty_reply", "no_reply"]
    assert all("forum_discussions" not in row and row["problem"] for row in run.dropped)


def test_what_only_stands_where_an_answer_belongs_is_unreadable(tmp_path: Path) -> None:
    rows = [classified(number) for number in range(4)]
    texts = ["Answer: Proven.", "Answer: your answer", "Answer: [answer]", "Answer: no solution"]
    replies = [reply(row["id"], PROMPT, text) for row, text in zip(rows, texts, strict=True)]
    run = run_stage(main, tmp_path, {"classified": rows}, replies)
    assert [row["expected_answer"] for row in run.rows] == ["no solution"]
    assert run.counts["dropped"] == {"unreadable_answer": 3}


def test_only_rows_of_the_answers_branch_are_read(tmp_path: Path) -> None:
    others = [{"is_proof": True}, {"is_mcq": True}, {"is_binary": True}, {"is_invalid": True}, {"is_mcq": None}]
    rows = [classified(0), *(classified(number, **classes) for number, classes in enumerate(others, 1))]
    replies = [reply(row["id"], PROMPT, "Answer: 0") for row in rows]
    run = run_stage(main, tmp_path, {"classified": rows}, replies)
    assert [row["id"] for row in run.rows] == [rows[0]["id"]]
    assert (run.counts["read"], run.counts["not_selected"], run.dropped) == (1, 5, [])


def test_no_row_is_lost_under_hostile_replies_in_any_order(tmp_path: Path) -> None:
    rows = [classified(number, is_proof=number % 3 == 0) for number in range(90)]
    ids = [row["id"] for row in rows if not row["is_proof"]]
    run = same_for_any_order(main, tmp_path, {"classified": rows}, hostile_replies(ids, [PROMPT]))
    assert_conserved(run)
    assert sorted([row["id"] for row in run.rows] + [row["id"] for row in run.dropped]) == sorted(ids)
    assert all(row["expected_answer"] != "" for row in run.rows)


def test_no_rows_make_empty_files(tmp_path: Path) -> None:
    run = run_stage(main, tmp_path, {"classified": []}, [])
    assert (run.rows, run.dropped, run.counts["read"], run.counts["not_selected"]) == ([], [], 0, 0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([classified(0), classified(0)], "stands in line 1 already"),
        ([classified(0, is_mcq=True), classified(0)], "stands in line 1 already"),
        ([{key: value for key, value in classified(0).items() if key != "is_mcq"}], "no readable classes"),
    ],
)
def test_faulty_rows_are_an_error(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run_stage(main, tmp_path, {"classified": rows}, [])


def test_an_answer_that_stands_nowhere_in_its_thread_is_dropped_or_only_counted(tmp_path: Path) -> None:
    rows = [classified(number) for number in range(3)]
    texts = ["Answer: $0$", "Answer: $\\frac{1}{7}$", "Answer: $\\{-3, 3\\}$"]
    replies = [reply(row["id"], PROMPT, text) for row, text in zip(rows, texts, strict=True)]
    run = run_stage(main, tmp_path / "dropped", {"classified": rows}, replies)
    assert list(run.reasons.values()) == ["not_in_thread", "example_of_prompt"]
    assert (len(run.rows), run.counts["not_in_thread"]) == (1, 2)

    def keeping(arguments: list[str] | None) -> int:
        return main([*(arguments or []), "--keep-foreign"])

    kept = run_stage(keeping, tmp_path / "kept", {"classified": rows}, replies)
    assert list(kept.reasons.values()) == ["example_of_prompt"]
    assert (len(kept.rows), kept.counts["not_in_thread"]) == (2, 2)
