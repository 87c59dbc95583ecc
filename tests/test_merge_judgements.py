"""Every solution's verdict, from the comparison or from the model."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from solution_files import cut, failed, fill, judge, problem, read_lines, run_stage, select, write_rows


def verdicts(made: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    return [(row["judgement"], row["judged_by"], row["unjudged_reason"]) for row in made]


def test_proven_answers_are_judged_symbolically_and_the_rest_by_the_model(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "1/2")], {"a-1": ["0.5", "half", "2", "half"]})
    made = judge(tmp_path, majority, {"half": "The same.\nJudgement: Yes", "2": "Judgement: Yes"})
    assert verdicts(made.rows) == [
        ("yes", "symbolic", None),
        ("yes", "llm", None),
        ("no", "symbolic", None),
        ("yes", "llm", None),
    ]
    assert made.counts["judged_by"] == {"llm": 2, "symbolic": 2}
    assert made.counts["verdicts"] == {"judge_answers": {"yes": 1}}


def test_no_model_overrules_a_proof_and_the_audit_says_how_often_it_would(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "1/2")], {"a-1": ["0.5", "2/4", "7", "8", "9"]})
    says = {"0.5": "Judgement: Yes", "2/4": "Judgement: No", "7": "Judgement: Yes", "8": "Judgement: No", "9": "Hm."}
    made = judge(tmp_path, majority, says, audits=5)
    assert [row["judgement"] for row in made.rows] == ["yes", "yes", "no", "no", "no"]
    assert {row["judged_by"] for row in made.rows} == {"symbolic"}
    assert made.counts["audit"] == {"equal": {"no": 1, "yes": 1}, "different": {"no": 1, "unreadable": 1, "yes": 1}}
    assert made.counts["verdicts"] == {"judge_answers": {}}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("I would give half of the points.", "verdict_unreadable"),
        ("Judgement: Yes\nJudgement: No", "verdict_unreadable"),
        (cut("Let me think. Judgement: Yes"), "verdict_unfinished_reply"),
        (failed("context_overflow"), "verdict_request_failed_context_overflow"),
    ],
)
def test_a_verdict_that_cannot_be_read_is_none(tmp_path: Path, given: str, reason: str) -> None:
    majority = fill(tmp_path, [problem("a-1", "66")], {"a-1": ["few"]})
    made = judge(tmp_path, majority, {"few": given})
    assert verdicts(made.rows) == [("unjudged", None, reason)]
    assert made.counts["unjudged_reason"] == {reason: 1}


def test_a_missing_reply_is_no_verdict(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "66")], {"a-1": ["few"]})
    compared = select(tmp_path, majority.path)
    given = {"majority": majority.path, "comparisons": compared.path, "replies": write_rows(tmp_path / "none", [])}
    made = run_stage("merge_judgements", tmp_path / "judged.jsonl", given)
    assert verdicts(made.rows) == [("unjudged", None, "verdict_no_reply")]


def test_solutions_without_an_answer_are_unjudged_and_say_why(tmp_path: Path) -> None:
    solutions = [failed("refused"), cut("It is \\boxed{66}"), {"text": "I give up."}]
    made = judge(tmp_path, fill(tmp_path, [problem("a-1", "66")], {"a-1": solutions}), {})
    assert verdicts(made.rows) == [("unjudged", None, reason) for reason in ("failed", "unfinished", "no_answer")]


def test_no_row_is_lost_and_each_keeps_its_fields(tmp_path: Path) -> None:
    problems = [problem("a-1", "1"), problem("b-1")]
    majority = fill(tmp_path, problems, {"a-1": ["1", "2"], "b-1": ["3", "3"]})
    made = judge(tmp_path, majority, {})
    added = ("judgement", "judged_by", "unjudged_reason")
    assert [{key: value for key, value in row.items() if key not in added} for row in made.rows] == majority.rows
    assert made.dropped == []


def test_comparisons_of_other_rows_are_an_error(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "66")], {"a-1": ["few"]})
    compared = select(tmp_path, majority.path)
    replies = write_rows(tmp_path / "replies.jsonl", [])
    given = {"majority": majority.path, "comparisons": compared.path, "replies": replies}
    write_rows(majority.path, [row | {"predicted_answer": "61"} for row in majority.rows])
    with pytest.raises(UserError, match="'a-1' are not those of the rows to judge"):
        run_stage("merge_judgements", tmp_path / "judged.jsonl", given)
    write_rows(majority.path, [])
    with pytest.raises(UserError, match="'a-1' are not those of the rows to judge"):
        run_stage("merge_judgements", tmp_path / "judged.jsonl", given)
    assert not (tmp_path / "judged.jsonl").exists()


def test_rows_hold_no_text_of_solutions_or_problems(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", "66")], {"a-1": ["66", "60"]})
    made = judge(tmp_path, majority, {})
    assert all(not {"text", "problem", "reasoning", "solution"} & row.keys() for row in read_lines(made.path))


def test_spellings_of_one_answer_have_one_verdict_whichever_was_asked_about(tmp_path: Path) -> None:
    majority = fill(tmp_path, [problem("a-1", r"\text{every odd number}")], {"a-1": ["2k+1", "1+2k", "even"]})
    made = judge(tmp_path, majority, {"2k+1": "Judgement: Yes", "1+2k": "Judgement: No"})
    assert [row["judgement"] for row in made.rows] == ["yes", "yes", "no"]
    assert made.counts["verdicts"] == {"judge_answers": {"no": 1, "yes": 1}}
