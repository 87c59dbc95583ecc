"""Files that config names and that are not there are told by their keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_files
from omr.config.paths import check_paths
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("prompts").mkdir()
    for name in ("solve_cot", "solve_tir"):
        Path(f"prompts/{name}.yaml").touch()
    return tmp_path


def fault(path: str | None, prompt: str, benchmark: str) -> str:
    config = run_files.config(benchmarks=[{"name": "mine", "path": benchmark}, {"name": "other", "dataset": "a/b"}])
    config["raw_data"] = config["raw_data"] | {"path": path}
    config["recipes"][run_files.RECIPE] = config["recipes"][run_files.RECIPE] | {"prompt": prompt}
    settings = Settings(config)
    with pytest.raises(UserError) as caught:
        check_paths(settings, Recipes(settings))
    return str(caught.value)


def test_every_missing_file_is_named_with_its_key() -> None:
    said = fault("no/threads.jsonl", "solve_cots", "no/mine.jsonl")
    assert "- raw_data.path: there is no file no/threads.jsonl" in said
    assert "- benchmarks, mine: path: there is no file no/mine.jsonl" in said
    assert (
        f"- recipes.{run_files.RECIPE}.prompt: there is no prompts/solve_cots.yaml; did you mean 'solve_cot'?" in said
    )


def test_an_address_is_told_apart_from_a_missing_file() -> None:
    Path("mine.jsonl").touch()
    said = fault("s3://bucket/threads.jsonl", "solve_cot", "mine.jsonl")
    assert "is an address; copy the file here" in said
    assert said.count("\n  - ") == 1


def test_prompts_that_there_are_stand_in_the_message_where_none_is_near() -> None:
    Path("mine.jsonl").touch()
    assert "there are: solve_cot, solve_tir" in fault(None, "zzz", "mine.jsonl")


def test_every_model_without_an_entry_is_named_with_its_key() -> None:
    config = run_files.config(labelling_model="none-like-it")
    known = next(iter(config["models"]))
    config["problems"] = {"extract_problems": {"model": known + "x"}, "keep_foreign_answers": False}
    config["recipes"][run_files.RECIPE] = config["recipes"][run_files.RECIPE] | {
        "model": known,
        "judge": {"model": "zz"},
    }
    settings = Settings(config)
    with pytest.raises(UserError) as caught:
        check_paths(settings, Recipes(settings))
    said = str(caught.value)
    assert f"- labelling_model: there is no 'none-like-it' under `models`; there are: {known}" in said
    assert f"- problems.extract_problems.model: there is no '{known}x' under `models`; did you mean '{known}'?" in said
    assert f"- recipes.{run_files.RECIPE}.judge.model: there is no 'zz' under `models`" in said
    assert f"recipes.{run_files.RECIPE}.model:" not in said
