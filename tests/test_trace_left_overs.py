"""Tracing in runs that hold files of an earlier config, and rows of which several stages say something."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import run_files
from omr.errors import UserError
from run_files import PROBLEM, RECIPE, SILENT, write_config, write_rows

from trace import main  # isort: skip

SHARD = "shard-000-of-001.jsonl"
KEPT = f"=> {PROBLEM}-0 ({RECIPE}) is in {RECIPE}/sft/shard-000-of-001"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_files.write_run(tmp_path)


def recipe(**changes: Any) -> dict[str, Any]:
    """Changes of the config of the small run: of its recipe."""
    return {"recipes": {RECIPE: run_files.config()["recipes"][RECIPE] | changes}}


def traced(run: Path, wanted: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main([wanted, "--run", str(run), *more]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(("stage", "reason"), [("select_traces", "empty_reasoning"), ("merge_summaries", "no_right_summary")])  # fmt: skip
def test_a_drop_for_want_of_reasoning_is_no_end_where_rows_need_none(
    run: Path, capsys: pytest.CaptureFixture[str], stage: str, reason: str
) -> None:
    write_config(run, **recipe(sft=run_files.config()["recipes"][RECIPE]["sft"] | {"require_reasoning": False}))
    write_rows(run / RECIPE / "dropped" / stage / SHARD, {"id": PROBLEM, "reason": reason, "seed": 0})
    text = traced(run, f"{PROBLEM}-0", capsys)
    assert f"reason: {reason}" in text
    assert text.rstrip().endswith(KEPT)
    assert f"{PROBLEM}-0: answer 2, yes (symbolic); is in {RECIPE}/sft/shard-000-of-001" in traced(run, PROBLEM, capsys)
    shutil.rmtree(run / RECIPE / "sft")
    assert "ended at" not in traced(run, f"{PROBLEM}-0", capsys)
    assert f"{PROBLEM}-0: answer 2, yes (symbolic); not ended yet" in traced(run, PROBLEM, capsys)


def test_where_rows_must_have_reasoning_it_is_the_end(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(run / RECIPE / "dropped/select_traces" / SHARD, {"id": PROBLEM, "reason": "empty_reasoning", "seed": 0})
    shutil.rmtree(run / RECIPE / "sft")
    assert traced(run, f"{PROBLEM}-0", capsys).rstrip().endswith("ended at select_traces: empty_reasoning")


def test_a_training_row_decides_about_a_solution(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(run / RECIPE / "dropped/merge_summaries" / SHARD, {"id": PROBLEM, "reason": "x", "seed": 0})
    assert traced(run, f"{PROBLEM}-0", capsys).rstrip().endswith(KEPT)


@pytest.mark.parametrize(
    "left",
    [
        "dropped/merge_summaries",
        "dropped/select_traces",
        "dropped/clean_code_solutions",
        "dropped/parse_selections",
        "traces",
        "summarized",
        "cleaned",
    ],
)
def test_files_of_stages_that_the_recipe_has_no_longer_are_not_read(
    run: Path, capsys: pytest.CaptureFixture[str], left: str
) -> None:
    write_config(run, **recipe(summaries=run_files.config()["recipes"][RECIPE]["summaries"] | {"enabled": False}))
    old = {"id": PROBLEM, "problem_id": PROBLEM, "reason": "of an earlier config", "seed": 0, "blocks": 0}
    write_rows(run / RECIPE / left / SHARD, old, old | {"id": f"{PROBLEM}-0"})
    shutil.rmtree(run / RECIPE / "sft")
    assert "of an earlier config" not in traced(run, f"{PROBLEM}-0", capsys)


def test_files_of_another_number_of_shards_or_seeds_are_not_read(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = {"id": PROBLEM, "seed": 7, "reason": "of an earlier config", "predicted_answer": "7"}
    for shard in ("shard-000-of-002.jsonl", "shard-001-of-002.jsonl"):
        write_rows(run / RECIPE / "judged" / shard, old)
        write_rows(run / RECIPE / "dropped/prepare_sft" / shard, old | {"seed": 0})
        write_rows(run / "replies/extract_problems" / shard, run_files.reply(PROBLEM.rpartition("-")[0], "p", "old"))
    for folder in ("solutions/seed-07", "solutions/seed-06-to-08"):
        write_rows(run / RECIPE / folder / SHARD, run_files.reply(PROBLEM, "solve_cot", "old", 7))
    text = traced(run, PROBLEM, capsys)
    assert f"{PROBLEM}: 2 solutions of {RECIPE}" in text
    assert "of-002" not in text
    with pytest.raises(UserError, match="there is no solution"):
        main([f"{PROBLEM}-7", "--run", str(run)])


def test_solutions_are_found_in_files_that_have_several_seeds(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = traced(run, f"{PROBLEM}-1", capsys)
    files = [run / RECIPE / f"solutions/seed-0{seed}" / SHARD for seed in (0, 1)]
    joined = run / RECIPE / "solutions/seed-00-to-01" / SHARD
    joined.parent.mkdir()
    joined.write_bytes(b"".join(path.read_bytes() for path in files))
    write_config(run, **recipe(seeds_per_job=2))
    assert traced(run, f"{PROBLEM}-1", capsys) == alone.replace("seed-01/", "seed-00-to-01/")
    # What stands in the files of single seeds is of an earlier config now.
    for path in files:
        path.unlink()
    assert "seed-00-to-01/" in traced(run, f"{PROBLEM}-1", capsys)


def test_a_recipe_that_was_renamed_is_told_and_shown_where_it_is_asked_for(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run / RECIPE, run / "cot-old")
    text = traced(run, f"{PROBLEM}-0", capsys)
    assert f"of {RECIPE}\n" in text
    assert "of cot-old\n" not in text
    assert "files of cot-old are there too" in text
    asked = traced(run, f"{PROBLEM}-0", capsys, "--recipe", "cot-old")
    assert asked.rstrip().endswith(f"=> {PROBLEM}-0 (cot-old) is in cot-old/sft/shard-000-of-001")


def start_from_problems(run: Path) -> None:
    write_config(run, problems_from=run_files.config()["problems_from"] | {"path": "problems.jsonl"})


def test_threads_are_no_part_of_a_run_that_starts_from_problems_by_now(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_from_problems(run)
    write_rows(run / "dropped/merge_data.jsonl", {"id": PROBLEM, "reason": "of an earlier config"})
    text = traced(run, PROBLEM, capsys)
    assert "raw_aops_data" not in text
    assert "of an earlier config" not in text
    assert f"=> {PROBLEM} is in decontaminated.jsonl" in text


@pytest.mark.parametrize("copies", [1, 2])
def test_a_given_problem_whose_copies_have_its_id_has_not_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], copies: int
) -> None:
    start_from_problems(tmp_path)
    run_files.write_counts(tmp_path / "counts/read_problems.json", stage="read_problems")
    row = {"id": "0123456789abcdef-1", "problem": "Find it.", "expected_answer": "5"}
    write_rows(tmp_path / "merged.jsonl", row)
    dropped = row | {"reason": "duplicate", "kept": row["id"], "line": 2}
    write_rows(tmp_path / "dropped/read_problems.jsonl", *[dropped] * copies)
    text = traced(tmp_path, row["id"], capsys)
    assert text.rstrip().endswith(f"=> {row['id']} is in merged.jsonl")
    assert text.count("reason: duplicate") == 1
    write_rows(tmp_path / "dropped/decontaminate.jsonl", row | {"reason": "contaminated_exact"})
    assert traced(tmp_path, row["id"], capsys).rstrip().endswith("ended at decontaminate: contaminated_exact")


def test_a_thread_whose_copy_was_dropped_ends_where_it_ended_itself(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(run / "dropped/prepare_raw_data.jsonl", {"id": SILENT, "reason": "duplicate_thread"})
    assert traced(run, SILENT, capsys).rstrip().endswith("ended at parse_problems: no_problem")


def test_solutions_without_a_vote_are_listed_with_what_became_of_them(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("majority", "judged", "dropped/prepare_sft"):
        write_rows(run / RECIPE / folder / SHARD)
    shutil.rmtree(run / RECIPE / "sft")
    unread = {"id": PROBLEM, "reason": "no_readable_answer", "solutions": 2}
    write_rows(run / RECIPE / "dropped/fill_majority_answer" / SHARD, unread)
    text = traced(run, PROBLEM, capsys)
    assert "no vote: ended at fill_majority_answer: no_readable_answer" in text
    for seed in (0, 1):
        ended = "answer None, not judged (-); ended at fill_majority_answer: no_readable_answer"
        assert f"{PROBLEM}-{seed}: {ended}" in text
        text_of_one = traced(run, f"{PROBLEM}-{seed}", capsys)
        assert text_of_one.rstrip().endswith("ended at fill_majority_answer: no_readable_answer")
    with pytest.raises(UserError, match="there is no solution"):
        main([f"{PROBLEM}-2", "--run", str(run)])


def test_solutions_of_a_tied_vote_show_the_answers_that_tied(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / RECIPE / "majority" / SHARD).rename(run / "voted.jsonl")
    (run / RECIPE / "votes").mkdir()
    (run / "voted.jsonl").rename(run / RECIPE / "votes" / SHARD)
    for folder in ("judged", "dropped/prepare_sft"):
        write_rows(run / RECIPE / folder / SHARD)
    shutil.rmtree(run / RECIPE / "sft")
    tied = [{"id": PROBLEM, "reason": "tied_vote", "seed": seed} for seed in (0, 1)]
    write_rows(run / RECIPE / "dropped/settle_votes" / SHARD, *tied)
    text = traced(run, PROBLEM, capsys)
    assert f"{PROBLEM}-1: answer 3, not judged (-); ended at settle_votes: tied_vote" in text
    assert traced(run, f"{PROBLEM}-1", capsys).rstrip().endswith("ended at settle_votes: tied_vote")
