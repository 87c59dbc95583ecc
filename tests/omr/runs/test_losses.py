"""The stage at which a run lost all rows, and what can be done about it."""

from __future__ import annotations

from typing import Any

import pytest
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
    assert "`decontaminate.check_contamination`" in lost[1]


def test_the_remedy_is_that_of_the_commonest_reason_alone() -> None:
    found = where_lost([stage("merge_judgements", 64, 56), stage("prepare_sft", 56, 0, too_long=40, unfinished=9)])
    assert found is not None
    assert found[1] == "whole solutions are longer than the bound: raise the recipe's `sft.max_tokens`"
    found = where_lost(
        [stage("merge_data", 9, 9), stage("decontaminate", 9, 0, contaminated_llm=5, unfinished_reply=4)]
    )
    assert found is not None
    assert found[1].startswith("dropped/decontaminate holds every row with its reason")


@pytest.mark.parametrize(
    ("where", "reason", "key"),
    [
        ("prepare_sft", "pass_rate_too_low", "lower the recipe's `sft.min_pass_rate`"),
        ("prepare_sft", "pass_rate_too_high", "raise the recipe's `sft.max_pass_rate`"),
        ("prepare_sft", "over_limit", "raise the recipe's `sft.solutions_per_problem`"),
        ("prepare_sft", "unfit_prose_answer", "`sft: {require_checkable: false}`"),
        ("prepare_sft", "unknown_length", "the model's `tokenizer`"),
        ("prepare_sft", "no_summary", "`summaries.candidates`"),
        ("prepare_sft", "code_filtered", "`code_filter`"),
        ("prepare_sft", "unfinished", "the recipe's `max_tokens`"),
        ("fill_majority_answer", "low_vote_share", "`majority.min_share`"),
        ("fill_majority_answer", "not_asked", "`seeds.no_rate`"),
        ("merge_data", "proof", "use_converted_proofs: true"),
        ("select_subset", "too_long", "raise the `products.subsets.<name>.max_tokens`"),
        ("select_subset", "unknown_length", "`products.subsets.<name>.tokenizer`"),
    ],
)
def test_a_reason_that_a_setting_answers_names_it(where: str, reason: str, key: str) -> None:
    found = where_lost([stage(where, 9, 0, **{reason: 7, "duplicate": 2})])
    assert found is not None
    assert key in found[1]


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
