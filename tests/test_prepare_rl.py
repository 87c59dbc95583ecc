"""Problems for reinforcement learning: which are chosen, and why the others are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import prepare_rl
import pytest
from omr.errors import UserError
from sft_files import NO_ORIGIN, ROOT
from solution_files import Made, Row, run_stage, write_rows

PROMPT = ROOT / "prompts" / "solve_cot.yaml"


def judged(problem_id: str, answer: str | None = "7", **fields: Any) -> list[Row]:
    """The rows of two solutions of a problem."""
    row = {"id": problem_id, "expected_answer": answer, "answer_source": "extracted", "majority_agrees": True}
    return [row | {"seed": seed, "majority_votes": 5, "total_votes": 6} | fields for seed in range(2)]


def prepare(
    folder: Path, *shards: list[Row], rates: dict[str, float | None], answer: str | None = None, **flags: Any
) -> Made:
    """Run the script on judged rows, with a problem for every rate, which is by the rows' answer or by `answer`."""
    by = {row["id"]: row["expected_answer"] if answer is None else answer for rows in shards for row in rows}
    problems = [
        {"id": problem_id, "problem": f"What is {problem_id}?", "problem_type": "has_answer_extracted"}
        for problem_id in rates
    ]
    given = {
        "problems": write_rows(folder / "problems.jsonl", problems),
        "judged": [write_rows(folder / f"judged-{number}.jsonl", rows) for number, rows in enumerate(shards)],
        "pass-rates": write_rows(
            folder / "rates.jsonl", [{"id": one, "share": rates[one], "answer": by.get(one)} for one in rates]
        ),
        "prompt": PROMPT,
        "measure": "cot-a",
        "above": 0.0,
        "below": 1.0,
        "answer-sources": ["extracted"],
    }
    return run_stage("prepare_rl", folder / "rl.jsonl", given | flags)


def reasons(made: Made) -> dict[str, str]:
    return {row["id"]: row["reason"] for row in made.dropped}


def test_a_row_is_a_problem_with_its_answer_and_a_prompt_that_asks_for_a_box(tmp_path: Path) -> None:
    made = prepare(tmp_path, judged("a-1", r"\frac{1}{2}"), [], judged("b-1"), rates={"a-1": 0.5, "b-1": 0.25})
    assert [row["id"] for row in made.rows] == ["a-1", "b-1"]
    assert (made.counts["read"], made.counts["written"], made.counts["dropped"]) == (2, 2, {})
    row = made.rows[0]
    (message,) = row.pop("prompt")
    assert message["content"].endswith("What is a-1?")
    assert r"\boxed" in message["content"]
    assert row == {
        "id": "a-1", "problem": "What is a-1?", "expected_answer": r"\frac{1}{2}", "answer_source": "extracted",
        "problem_type": "has_answer_extracted", **NO_ORIGIN, "pass_rate": 0.5, "pass_rate_by": "cot-a",
        "majority_votes": 5, "total_votes": 6,
    }  # fmt: skip


def test_a_row_says_where_its_problem_comes_from(tmp_path: Path) -> None:
    told = {
        "problem_source": "forum",
        "source_url": "https://example.org/1",
        "source_license": "MIT",
        "source_date": "2020",
    }
    problems = [{"id": "a-1", "problem": "What?", **told}]
    made = prepare(tmp_path, judged("a-1"), rates={"a-1": 0.5}, problems=write_rows(tmp_path / "told.jsonl", problems))
    assert {name: made.rows[0][name] for name in NO_ORIGIN} == NO_ORIGIN | told


def test_pass_rates_lie_strictly_between_the_bounds(tmp_path: Path) -> None:
    rates = {"a-1": 0.0, "b-1": 0.2, "c-1": 0.5, "d-1": 0.8, "e-1": 1.0, "f-1": None}
    rows = [row for one in rates for row in judged(one)]
    made = prepare(tmp_path, rows, rates=rates, above=0.2, below=0.8)
    assert [row["id"] for row in made.rows] == ["c-1"]
    assert made.counts["dropped"] == {"no_pass_rate": 1, "pass_rate_too_high": 2, "pass_rate_too_low": 2}
    made = prepare(tmp_path, rows, rates=rates)
    assert [row["id"] for row in made.rows] == ["b-1", "c-1", "d-1"]


def test_a_vote_that_does_not_confirm_the_forum_leaves_a_problem_out(tmp_path: Path) -> None:
    rows = judged("a-1", majority_agrees=False) + judged("b-1", majority_agrees=None)
    rows += judged("c-1", answer_source="majority", majority_agrees=None)
    rates: dict[str, float | None] = dict.fromkeys(("a-1", "b-1", "c-1"), 0.5)
    made = prepare(tmp_path, rows, rates=rates)
    assert reasons(made) == {"a-1": "vote_disagrees", "b-1": "vote_undecided", "c-1": "majority_answer"}
    made = prepare(tmp_path, rows, rates=rates, **{"answer-sources": ["extracted", "majority"]})
    assert [row["id"] for row in made.rows] == ["c-1"]
    made = prepare(tmp_path, rows, rates=rates, **{"answer-sources": ["majority"]})
    assert reasons(made) == {"a-1": "extracted_answer", "b-1": "extracted_answer"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("the point halfway between both circles", "unfit_prose_answer"),
        ("(a) 3 (b) 4", "unfit_several_parts"),
        (None, "unfit_no_answer"),
        (" ", "unfit_no_answer"),
        ("}", "unfit_for_box"),
        (r"2\} + \{3\}}", "unfit_for_box"),
        ("{3", "unfit_for_box"),
    ],
)
def test_an_answer_that_no_comparison_can_check_leaves_a_problem_out(
    tmp_path: Path, answer: str | None, reason: str
) -> None:
    assert reasons(prepare(tmp_path, judged("a-1", answer), rates={"a-1": 0.5})) == {"a-1": reason}


def test_a_contaminated_problem_is_dropped_and_one_that_the_measure_did_not_ask_too(tmp_path: Path) -> None:
    made = prepare(tmp_path, judged("a-1") + judged("b-1"), rates={"b-1": 0.5})
    assert reasons(made) == {"a-1": "contaminated"}
    (tmp_path / "other.jsonl").write_bytes(b"")
    made = prepare(tmp_path, judged("b-1"), rates={"b-1": 0.5}, **{"pass-rates": tmp_path / "other.jsonl"})
    assert reasons(made) == {"b-1": "no_pass_rate"}


@pytest.mark.parametrize(
    ("answer", "reason"), [("7", "no_pass_rate"), ("0.5", None), (r"\dfrac12", None), ("half", "no_pass_rate")]
)
def test_a_rate_by_another_answer_is_none(tmp_path: Path, answer: str, reason: str | None) -> None:
    made = prepare(tmp_path, judged("a-1", r"\frac{1}{2}"), rates={"a-1": 0.5}, answer=answer)
    assert reasons(made) == ({} if reason is None else {"a-1": reason})


def test_a_prompt_that_needs_more_than_the_problem_is_refused(tmp_path: Path) -> None:
    prompt = tmp_path / "other.yaml"
    prompt.write_text("user: '{{ problem }} with {{ code_budget }}'\n")
    with pytest.raises(UserError, match="it inserts code_budget, problem, but must insert `problem` alone"):
        prepare_rl.load_rl_prompt(prompt)


def test_no_judged_rows_make_no_problems(tmp_path: Path) -> None:
    made = prepare(tmp_path, [], rates={})
    assert (made.rows, made.dropped, made.counts["read"]) == ([], [], 0)
