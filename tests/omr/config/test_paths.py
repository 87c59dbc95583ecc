"""Files that config names and that are not there are told by their keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import run_files
from omr.config.paths import BENCHMARKS, check_paths
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from prepare_benchmark import read_column


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


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("empty", "the folder empty holds no file of rows; what can be read: JSON Lines"),
        ("notes", "the folder notes holds no file of rows"),
        ("notes/README.md", "notes/README.md is of no kind that is read; that is JSON Lines"),
        ("no/folder", "there is no file no/folder"),
    ],
)
@pytest.mark.parametrize("section", ["raw_data", "problems_from"])
def test_what_holds_no_rows_is_told_by_its_key(section: str, path: str, said: str) -> None:
    Path("empty").mkdir()
    Path("notes").mkdir()
    Path("notes/README.md").touch()
    Path("mine.jsonl").touch()
    config = run_files.config(benchmarks=[{"name": "mine", "path": "mine.jsonl", "column": "c"}])
    config[section]["path"] = path
    settings = Settings(config)
    with pytest.raises(UserError) as caught:
        check_paths(settings, Recipes(settings))
    assert f"\n  - {section}.path: {said}" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("folder", "folder is a folder; name a file of it (.jsonl, .csv, .parquet)"),
        ("mine.txt", "mine.txt is none of .jsonl, .csv, .parquet: convert it"),
        ("mine", "mine is none of .jsonl, .csv, .parquet: convert it"),
    ],
)
def test_a_benchmark_that_cannot_be_read_is_told_before_anything_is_asked(path: str, said: str) -> None:
    Path("folder").mkdir()
    Path("mine.txt").touch()
    Path("mine").touch()
    assert f"- benchmarks, mine: path: {said}" in fault(None, "solve_cot", path)


def test_the_kinds_of_benchmarks_are_those_that_their_script_reads() -> None:
    with pytest.raises(UserError, match=re.escape(f"read from {', '.join(BENCHMARKS)} files")):
        read_column(Path("mine"), "problem")


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


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [
        ("no/tokenizer.json", "there is no file no/tokenizer.json"),
        ("./tok/", "./tok/ is a folder here; name its file, tok/tokenizer.json"),
        ("owner/name", "owner/name is a folder here; name its file, owner/name/tokenizer.json"),
        ("./nosuch", "there is no file ./nosuch"),
        ("/nosuch", "there is no file /nosuch"),
        ("README.md", "README.md is a file here, and no tokenizer.json"),
        ("s3://bucket/tokenizer.json", "s3://bucket/tokenizer.json is an address; copy the file here"),
        ("tok/tokenizer.json", None),
        ("Qwen/QwQ-32B", None),
        ("gpt2", None),
    ],
)
def test_a_tokenizer_that_is_a_path_must_be_a_file_of_one(tokenizer: str, said: str | None) -> None:
    for folder in ("tok", "owner/name"):
        Path(folder).mkdir(parents=True)
        Path(f"{folder}/tokenizer.json").touch()
    for file in ("README.md", "mine.jsonl"):
        Path(file).touch()
    config = run_files.config(benchmarks=[{"name": "mine", "path": "mine.jsonl", "column": "c"}])
    config["raw_data"]["tokenizer"] = config["models"]["solver"]["tokenizer"] = tokenizer
    config["products"]["subsets"] = {"mine": {"tokenizer": tokenizer}}
    config["models"]["idle"] = config["models"]["solver"] | {"tokenizer": "/not/on/this/machine.json"}
    settings = Settings(config)
    if said is None:
        check_paths(settings, Recipes(settings))
        return
    with pytest.raises(UserError) as caught:
        check_paths(settings, Recipes(settings))
    lines = [f"  - {key}.tokenizer: {said}" for key in ("models.solver", "products.subsets.mine", "raw_data")]
    assert all(line in str(caught.value) for line in lines)
    assert "idle" not in str(caught.value)


@pytest.mark.parametrize("key", ["chat_template", "replies"])
def test_other_files_of_models_are_told_by_their_keys(key: str) -> None:
    Path("mine.jsonl").touch()
    config = run_files.config(benchmarks=[{"name": "mine", "path": "mine.jsonl", "column": "c"}])
    config["models"]["solver"][key] = "no/such"
    settings = Settings(config)
    with pytest.raises(UserError, match=f"- models.solver.{key}: there is no file no/such"):
        check_paths(settings, Recipes(settings))
    Path("no/such").mkdir(parents=True)
    check_paths(settings, Recipes(settings))
