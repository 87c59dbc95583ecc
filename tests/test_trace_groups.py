"""Tracing a group of solutions that were compared, from its candidates to the training row or to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_files
from omr.errors import UserError
from omr.runs.lineage import Id, parse_id
from row_shards import whole_row, write_shard
from run_files import PROBLEM, RECIPE, THREAD, reply, write_rows
from selection_runs import HOME, selection_config

from trace import main  # isort: skip

SHARD = "shard-000-of-001.jsonl"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with two groups: of one the right candidate was chosen, of the other a wrong one."""
    run = run_files.write_run(tmp_path)
    run_files.write_config(run, **selection_config())
    shown = [{"recipe": RECIPE, "id": f"{PROBLEM}-{seed}", "seed": seed, "right": not seed} for seed in (0, 1)]
    ids = [f"{PROBLEM}-g0", f"{PROBLEM}-g3"]
    groups = [{"id": each, "problem_id": PROBLEM, "candidates": shown} for each in ids]
    write_rows(run / HOME / "groups" / SHARD, *groups)
    write_rows(run / RECIPE / "summarized" / SHARD, {"id": PROBLEM, "seed": 0, "summary": "It is two."})
    write_rows(run / RECIPE / "wrong_summarized" / SHARD, {"id": PROBLEM, "seed": 1, "summary": "It is three."})
    texts = dict(zip(ids, ("Judgment: 0", "Judgment: 1"), strict=True))
    replies = [reply(each, "select_solution", text) for each, text in texts.items()]
    write_rows(run / HOME / "replies/select_solutions" / SHARD, *replies)
    write_rows(run / HOME / "selected" / SHARD, {"id": ids[0], "problem_id": PROBLEM, "selected": 0})
    review = reply(ids[0], "summarize_selection", "It adds up.\n\nJudgment: 0")
    write_rows(run / HOME / "replies/generate_selection_summaries/part-00-of-01" / SHARD, review)
    write_rows(run / HOME / "summarized" / SHARD, {"id": ids[0], "problem_id": PROBLEM, "summary": "It adds up."})
    write_rows(run / HOME / "dropped/parse_selections" / SHARD, {"id": ids[1], "reason": "wrong_pick", "selected": 1})
    write_shard(run / HOME, [whole_row(id=ids[0], problem_id=PROBLEM)])
    return run


def traced(run: Path, wanted: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main([wanted, "--run", str(run), *more]) == 0
    return capsys.readouterr().out


def test_the_id_of_a_group_names_it() -> None:
    assert parse_id(f"{PROBLEM}-g12") == Id(THREAD, PROBLEM, None, 12)
    assert parse_id(f"{PROBLEM}-g12x") == Id(THREAD, PROBLEM, None)


def test_a_group_is_followed_from_its_candidates_to_the_training_row(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = traced(run, f"{PROBLEM}-g0", capsys)
    steps = (f"{HOME}/groups", "It is two.", "It is three.", "Judgment: 0", f"{HOME}/selected", "It adds up.")
    places = [text.index(step) for step in (*steps, f"{HOME}/sft/shard-000-of-001")]
    assert places == sorted(places)
    assert text.rstrip().endswith(f"=> {PROBLEM}-g0 ({HOME}) is in {HOME}/sft/shard-000-of-001")


def test_a_wrong_choice_ends_with_its_reason(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = traced(run, f"{PROBLEM}-g3", capsys, "--recipe", HOME)
    assert text.rstrip().endswith("ended at parse_selections: wrong_pick")


def test_a_problem_lists_its_groups(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = traced(run, PROBLEM, capsys)
    assert f"{PROBLEM}-g0: 2 candidates, 1 right; is in {HOME}/sft/shard-000-of-001" in text
    assert f"{PROBLEM}-g3: 2 candidates, 1 right; ended at parse_selections: wrong_pick" in text


def test_a_wrong_solution_shows_what_it_became_as_a_candidate(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = traced(run, f"{PROBLEM}-1", capsys)
    assert f"{RECIPE}/wrong_summarized" in text
    assert text.rstrip().endswith("ended at prepare_sft: wrong")


def test_an_unknown_group_is_an_error_that_names_those_that_there_are(run: Path) -> None:
    with pytest.raises(UserError, match="there is no group") as error:
        main([f"{PROBLEM}-g9", "--run", str(run)])
    assert f"{PROBLEM}-g0, {PROBLEM}-g3" in str(error.value)


def test_a_problem_that_was_not_compared_says_why_and_a_solution_why_it_is_no_candidate(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    equal = {"id": f"{PROBLEM}-0", "reason": "equal_text", "problem_id": PROBLEM, "recipe": RECIPE}
    write_rows(run / HOME / "groups" / SHARD)
    write_rows(run / HOME / "dropped/form_groups" / SHARD, {"id": PROBLEM, "reason": "no_wrong"}, equal)
    assert f"{PROBLEM}: 0 groups of {HOME}\n" in (text := traced(run, PROBLEM, capsys))
    assert "left out: no_wrong" in text
    text = traced(run, f"{PROBLEM}-0", capsys)
    assert "reason: equal_text" in text
    assert text.rstrip().endswith(f"is in {RECIPE}/sft/shard-000-of-001")


def test_a_training_row_of_a_group_decides_and_what_was_dropped_of_it_before_does_not(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = {"id": f"{PROBLEM}-g0", "problem_id": PROBLEM, "reason": "no_right_summary"}
    write_rows(run / HOME / "dropped/merge_selection_summaries" / SHARD, late)
    assert traced(run, f"{PROBLEM}-g0", capsys).rstrip().endswith(f"is in {HOME}/sft/shard-000-of-001")
