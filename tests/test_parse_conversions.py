from __future__ import annotations

from pathlib import Path

import pytest
from labelling_rows import classified
from omr.asking.prompts import load_prompt
from omr.errors import UserError
from parse_conversions import main
from stage_runs import assert_conserved, hostile_replies, reply, run_stage, same_for_any_order

PROMPT = "convert_proofs"
PROVE = "Prove that $a^2 \\ge 0$."


def test_a_proof_problem_becomes_its_conversion_and_keeps_its_id(tmp_path: Path) -> None:
    row = classified(0, PROVE, is_proof=True)
    replies = [reply(row["id"], PROMPT, "\nFind the least value of $a^2$.\n")]
    run = run_stage(main, tmp_path, {"classified": [row]}, replies)
    ids = {"id": row["id"], "thread_id": row["thread_id"]}
    assert run.rows == [ids | {"problem": "Find the least value of $a^2$.", "original_problem": PROVE}]


def test_a_reply_that_is_no_new_problem_drops_the_row_with_the_reason(tmp_path: Path) -> None:
    texts = {
        "Show that $a = a$.": "still_a_proof",
        PROVE: "unchanged_problem",
        "---": "empty_problem",
        "\n": "empty_reply",
        "This problem cannot be converted.": "meta_text",
        "x" * 20_000: "too_long_problem",
        "<think>Find $a$.": "unreadable_conversion",
    }
    rows = [classified(number, PROVE, is_proof=True) for number in range(len(texts))]
    replies = [reply(row["id"], PROMPT, text) for row, text in zip(rows, texts, strict=True)]
    run = run_stage(main, tmp_path, {"classified": rows}, replies)
    assert list(run.reasons.values()) == list(texts.values())
    assert run.rows == []
    assert all(row["original_problem"] == PROVE and "forum_post" not in row for row in run.dropped)


def test_only_rows_of_the_proofs_branch_are_read(tmp_path: Path) -> None:
    rows = [classified(0), classified(1, is_proof=True), classified(2, is_proof=True, is_invalid=True)]
    run = run_stage(main, tmp_path, {"classified": rows}, [reply(row["id"], PROMPT, "Find $a$.") for row in rows])
    assert [row["id"] for row in run.rows] == [rows[1]["id"]]
    assert (run.counts["read"], run.counts["not_selected"], run.dropped) == (1, 2, [])


def test_no_row_is_lost_under_hostile_replies_in_any_order(tmp_path: Path) -> None:
    rows = [classified(number, is_proof=number % 3 > 0) for number in range(90)]
    ids = [row["id"] for row in rows if row["is_proof"]]
    run = same_for_any_order(main, tmp_path, {"classified": rows}, hostile_replies(ids, [PROMPT]))
    assert_conserved(run)
    assert sorted([row["id"] for row in run.rows] + [row["id"] for row in run.dropped]) == sorted(ids)


def test_no_rows_make_empty_files(tmp_path: Path) -> None:
    run = run_stage(main, tmp_path, {"classified": []}, [])
    assert (run.rows, run.dropped, run.counts["read"]) == ([], [], 0)


def test_an_id_that_occurs_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stands in line 1 already"):
        run_stage(main, tmp_path, {"classified": [classified(0, is_proof=True)] * 2}, [])


def test_an_example_of_the_prompt_never_comes_out_as_a_conversion(tmp_path: Path) -> None:
    examples = load_prompt(Path(__file__).parents[1] / "prompts/convert_proofs.yaml").examples[1::2]
    rows = [classified(number, PROVE, is_proof=True) for number in range(len(examples))]
    replies = [reply(row["id"], PROMPT, text) for row, text in zip(rows, examples, strict=True)]
    run = run_stage(main, tmp_path, {"classified": rows}, replies)
    assert (run.rows, run.counts["dropped"]) == ([], {"example_of_prompt": len(examples)})
