from __future__ import annotations

from pathlib import Path

import pytest
from labelling_rows import ALL_FALSE, CLASS_PROMPTS, class_replies, problem
from omr.errors import UserError
from parse_classes import main
from stage_runs import assert_conserved, hostile_replies, reply, run_stage, same_for_any_order

PROBLEMS = [problem(number) for number in range(5)]
IDS = [row["id"] for row in PROBLEMS]


def test_every_problem_gets_its_four_classes_and_keeps_the_rest(tmp_path: Path) -> None:
    replies = class_replies(IDS[0], ["proof"]) + class_replies(IDS[1], texts={"mcq": "**Not MCQ.**"})
    replies += class_replies(IDS[2], ["mcq", "binary"]) + class_replies(IDS[3], texts={"invalid": "\nInvalid"})
    replies += class_replies(IDS[4])
    run = run_stage(main, tmp_path, {"problems": PROBLEMS}, replies)
    classes = [{"is_proof": True}, {}, {"is_mcq": True, "is_binary": True}, {"is_invalid": True}, {}]
    assert run.rows == [row | ALL_FALSE | others for row, others in zip(PROBLEMS, classes, strict=True)]
    assert run.counts["verdicts"]["is_mcq"] == {"true": 1, "false": 4, "null": 0}
    assert run.counts["unreadable"] == {}


def test_a_verdict_that_cannot_be_read_is_null_and_counted_with_its_reason(tmp_path: Path) -> None:
    texts = {"proof": "It depends.", "mcq": None, "binary": "", "invalid": "<think>not invalid"}
    replies = class_replies(IDS[0], texts=texts)
    replies += [reply(IDS[1], "classify_proof", "proof", finish_reason="length"), reply(IDS[1], "classify_mcq", "mcq")]
    run = run_stage(main, tmp_path, {"problems": PROBLEMS[:2]}, replies)
    nulls = dict.fromkeys(ALL_FALSE)
    assert run.rows == [PROBLEMS[0] | nulls, PROBLEMS[1] | nulls | {"is_mcq": True}]
    assert run.counts["unreadable"] == {
        "is_proof": {"unfinished_reply": 1, "unreadable_verdict": 1},
        "is_mcq": {"request_failed_context_overflow": 1},
        "is_binary": {"empty_reply": 1, "no_reply": 1},
        "is_invalid": {"no_reply": 1, "unreadable_verdict": 1},
    }
    assert (run.counts["read"], run.counts["written"], run.counts["dropped"]) == (2, 2, {})


def test_a_label_of_another_question_is_no_verdict(tmp_path: Path) -> None:
    swapped = {"proof": "mcq", "mcq": "proof", "binary": "not invalid", "invalid": "not binary"}
    run = run_stage(main, tmp_path, {"problems": PROBLEMS[:1]}, class_replies(IDS[0], texts=swapped))
    assert run.rows == [PROBLEMS[0] | dict.fromkeys(ALL_FALSE)]


def test_no_problem_is_lost_under_hostile_replies_in_any_order(tmp_path: Path) -> None:
    problems = [problem(number) for number in range(70)]
    ids = [row["id"] for row in problems]
    run = same_for_any_order(main, tmp_path, {"problems": problems}, hostile_replies(ids, CLASS_PROMPTS))
    assert_conserved(run)
    assert [row["id"] for row in run.rows] == ids
    nulls = {field: sum(row[field] is None for row in run.rows) for field in ALL_FALSE}
    assert nulls == {field: sum(reasons.values()) for field, reasons in run.counts["unreadable"].items()}


def test_no_problems_make_empty_files(tmp_path: Path) -> None:
    run = run_stage(main, tmp_path, {"problems": []}, [])
    assert (run.rows, run.dropped, run.counts["read"]) == ([], [], 0)


def test_an_id_that_occurs_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"problems.jsonl:3: the id .* stands in line 2 already"):
        run_stage(main, tmp_path, {"problems": [PROBLEMS[0], PROBLEMS[1], PROBLEMS[1]]}, [])
