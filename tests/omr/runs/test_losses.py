"""The stage at which a run lost all rows, and what can be done about it."""

from __future__ import annotations

from typing import Any

from omr.runs.losses import where_lost


def stage(name: str, read: int, written: int, **dropped: int) -> dict[str, Any]:
    return {"stage": name, "read": read, "written": written, "dropped": dropped}


def test_a_run_with_rows_lost_nothing() -> None:
    assert where_lost([stage("parse_problems", 5, 9), stage("prepare_sft", 9, 1, wrong=8)]) is None


def test_the_first_stage_without_rows_is_named_with_its_commonest_reasons() -> None:
    stages = [
        stage("parse_problems", 5, 9),
        stage("decontaminate", 9, 0, contaminated_llm=3, contamination_unreadable=6),
        stage("prepare_sft", 0, 0),
    ]
    lost = where_lost(stages)
    assert lost is not None
    assert lost[0] == (
        "no rows are left after decontaminate, which read 9: contamination_unreadable 6, contaminated_llm 3"
    )
    assert "dropped/decontaminate" in lost[1]


def test_a_model_that_does_not_reason_is_told_what_to_set() -> None:
    lost = where_lost([stage("merge_judgements", 8, 8), stage("prepare_sft", 8, 0, empty_reasoning=7, wrong=1)])
    assert lost is not None
    assert "empty_reasoning 7, wrong 1" in lost[0]
    assert "require_reasoning: false" in lost[1]


def test_what_the_branches_dropped_explains_why_nothing_was_merged() -> None:
    stages = [
        stage("parse_classes", 9, 9),
        stage("parse_answers", 9, 0, unreadable_answer=9),
        stage("merge_data", 0, 0),
    ]
    lost = where_lost(stages)
    assert lost is not None
    assert "after merge_data" in lost[0]
    assert "unreadable_answer 9" in lost[0]


def test_a_branch_without_rows_and_requests_of_models_are_no_loss() -> None:
    asked = stage("extract_problems", 5, 0, refused=5) | {"requests": 5}
    assert where_lost([asked, stage("parse_proofs", 3, 0, still_a_proof=3), stage("prepare_sft", 2, 2)]) is None


def test_an_empty_input_is_said_to_be_empty() -> None:
    lost = where_lost([stage("prepare_raw_data", 0, 0)])
    assert lost is not None
    assert "there was nothing to read" in lost[0]
