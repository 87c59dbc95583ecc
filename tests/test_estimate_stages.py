"""The estimate has every stage that a run asks, whoever it is asked for, and tells one number of rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_files
from estimated_runs import estimated, raw_threads, stage
from selection_runs import HOME, selection_config


def test_planted_copies_are_asked_too_and_a_stage_that_asked_is_never_left_out(tmp_path: Path) -> None:
    threads = raw_threads(tmp_path, 100)
    fresh = estimated(tmp_path / "fresh/small", raw_data=threads, planted={"per_kind": 3})
    assert (
        stage(fresh, "extract_planted_problems")["requests"]
        == stage(fresh, "extract_planted_answers")["requests"]
        == 15
    )
    none = estimated(tmp_path / "none/small", raw_data=threads, planted={"per_kind": 0})
    assert "extract_planted_problems" not in [entry["stage"] for entry in none["stages"]]
    few = estimated(tmp_path / "few/small", raw_data=raw_threads(tmp_path, 4), planted={"per_kind": 3})
    assert stage(few, "extract_planted_problems")["requests"] == 4
    # Without problems there is nothing to compare with benchmarks but canaries: these were asked about.
    run = run_files.write_run(tmp_path)
    run_files.asked(run, "check_contamination", 4)
    assert stage(estimated(run, raw_data=raw_threads(tmp_path, 0)), "check_contamination")["basis"] == "counted"


def test_recipes_that_others_take_candidates_or_pass_rates_from_cost_what_they_are_asked(tmp_path: Path) -> None:
    threads, home = raw_threads(tmp_path, 100), selection_config()
    compared = estimated(tmp_path / "compared/small", raw_data=threads, **home | {"recipes_to_run": [HOME]})
    both = estimated(tmp_path / "both/small", raw_data=threads, **home)
    asked = [(entry["recipe"], entry["stage"], entry["requests"]) for entry in both["stages"]]
    assert [(entry["recipe"], entry["stage"], entry["requests"]) for entry in compared["stages"]] == asked
    assert compared["total"]["usd"] == both["total"]["usd"]
    assert set(compared["sft_rows"]) == {HOME}
    recipe = run_files.config()["recipes"][run_files.RECIPE]
    measured = estimated(
        tmp_path / "measured/small", raw_data=threads, recipes={run_files.RECIPE: recipe}, recipes_to_run=[],
        difficulty={"from": run_files.RECIPE, "pass_rate_72b_tir": None},
    )  # fmt: skip
    stages = [entry["stage"] for entry in measured["stages"] if entry["recipe"] == run_files.RECIPE]
    assert stages == ["generate_solutions", "match_answers", "judge_answers"]
    assert measured["sft_rows"] == {}


def test_rows_are_told_once_where_a_recipe_keeps_few_of_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = run_files.config()["recipes"][run_files.RECIPE]
    recipe |= {"sft": recipe["sft"] | {"solutions_per_problem": 1}}
    found = estimated(tmp_path / "small", raw_data=raw_threads(tmp_path, 1000), recipes={run_files.RECIPE: recipe})
    [rows] = found["sft_rows"].values()
    assert rows == found["yields"][run_files.RECIPE]["rows_kept"] > 0
    # With one vote enough, what one solution says is an answer.
    lenient = recipe | {"majority": recipe["majority"] | {"min_votes": 1}}
    more = estimated(tmp_path / "more/small", raw_data=raw_threads(tmp_path, 1000), recipes={run_files.RECIPE: lenient})
    strict = recipe | {"majority": recipe["majority"] | {"min_votes": 2}}
    less = estimated(tmp_path / "less/small", raw_data=raw_threads(tmp_path, 1000), recipes={run_files.RECIPE: strict})
    solved = [each["yields"][run_files.RECIPE]["problems_solved"] for each in (more, less)]
    assert solved[0] > solved[1]
