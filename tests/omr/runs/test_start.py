"""The start of a run: what it saves, and what it refuses before the first job."""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import run_files
from estimate import make_estimate, parse_arguments
from omr.config.files import OF_RUN, config_of_job, read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from omr.runs.planned import Asking, Planned
from omr.runs.start import Site, check_sandbox, look_ahead, start_run
from omr.sandbox.checks import SandboxSettings

ROOT = Path(__file__).parents[3]
ASKS = {"extract_problems": ["results/small/replies/extract_problems/shard-000-of-001.jsonl"]}
CHEAP = {"download_raw_data": ["results/downloads/raw_data/x/manifest.json"]}
LABELS = Asking("extract_problems", ("prompts/extract_problems.yaml",))
SOLVES_WITH_CODE = Asking("generate_solutions", ("prompts/solve_tir.yaml",), "tir-openmath")
HERE, ELSEWHERE = Site(makes_environments=False, runs_jobs=True), Site(makes_environments=False, runs_jobs=False)
NOTHING_MADE = {"estimate": list[str]()}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(OF_RUN, "")  # and put back after the test
    return run_files.config()


def started(settings: Settings, jobs: dict[str, list[str]], *, makes_environments: bool) -> None:
    start_run(settings, Recipes(settings), jobs, makes_environments)


def saved() -> list[str]:
    return sorted(str(path) for path in Path("results").rglob("*.*"))


def test_jobs_get_the_config_and_so_does_the_reader_of_the_results(config: dict[str, Any]) -> None:
    settings = Settings(config)
    started(settings, ASKS, makes_environments=False)
    assert saved() == ["results/small/config.yaml", settings.config_file]
    assert read_config([settings.config_file]) == read_config(["results/small/config.yaml"]) == config


def test_whether_code_can_be_run_is_found_out_once_and_saved(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def unavailable(site: SandboxSettings) -> str | None:
        asked.append(site.python)
        return None if site.python.name == "there" else "there is none"

    monkeypatch.setattr("omr.sandbox.checks.unavailable", unavailable)
    for name, left in (("there", [run_files.RECIPE, "tir-openmath"]), ("nowhere", [run_files.RECIPE])):
        config["recipes_to_run"] = [run_files.RECIPE, "tir-openmath"]
        config["recipes"]["tir-openmath"] = read_config([ROOT / "config/config.yaml"])["recipes"]["tir-openmath"]
        config["sandbox"] |= {"required": False, "python": str(tmp_path / name)}
        started(Settings(config), ASKS, makes_environments=False)
        asked.clear()
        for path in saved():
            found = Recipes(Settings(read_config([path])))
            if path == Settings(config).config_file or path.endswith("small/config.yaml"):
                assert (found.to_run, found.no_sandbox) == (left, None)
        assert not asked


def test_jobs_are_told_which_config_is_theirs_and_commands_of_users_are_not(config: dict[str, Any]) -> None:
    settings = Settings(config)
    started(settings, ASKS, makes_environments=False)
    job = ["snakemake", "--target-jobs", "extract_problems:run=small,shard=000,shards=001", "--mode", "remote"]
    assert config_of_job(job, os.environ) == settings.config_file
    assert config_of_job(["snakemake", "problems"], os.environ) is None
    assert config_of_job(job, {}) is None


def with_code(config: dict[str, Any], **sandbox: Any) -> tuple[Planned, Settings, Recipes]:
    """A run that asks for solutions with code, at a site without an interpreter for it."""
    config["recipes"]["tir-openmath"] = read_config([ROOT / "config/config.yaml"])["recipes"]["tir-openmath"]
    config["recipes_to_run"] = [run_files.RECIPE, "tir-openmath"]
    config["sandbox"] |= {"required": True, "python": "/usr/bin/nopython"} | sandbox
    settings = Settings(config)
    return Planned(asking={SOLVES_WITH_CODE: None}), settings, Recipes(settings)


def test_a_run_with_code_ends_at_its_start_where_none_can_be_run(config: dict[str, Any]) -> None:
    planned, settings, recipes = with_code(config)
    with pytest.raises(UserError, match="no environment to run code of models in") as caught:
        check_sandbox(planned, settings, recipes, HERE)
    assert "/usr/bin/nopython" in str(caught.value)
    assert "sandbox.required: false" in str(caught.value)
    check_sandbox(Planned(asking={LABELS: None}), settings, recipes, HERE)


def test_where_jobs_run_elsewhere_or_their_environment_is_yet_to_be_made_it_starts(
    config: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    check_sandbox(*with_code(copy.deepcopy(config)), ELSEWHERE)
    assert "warning: on this machine, where jobs do not run: /usr/bin/nopython" in capsys.readouterr().err
    planned, settings, recipes = with_code(config, python=None)
    check_sandbox(planned, settings, recipes, HERE)  # an earlier run has found it
    planned.files["prepare_sandbox"] = ["results/downloads/sandbox.json"]
    check_sandbox(planned, settings, recipes, Site(makes_environments=True, runs_jobs=True))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("site", [HERE, ELSEWHERE])
@pytest.mark.parametrize("required", [True, False])
def test_an_environment_for_code_that_nobody_makes_or_names_ends_a_run_at_its_start(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site, required: bool
) -> None:
    planned, settings, recipes = with_code(config, python=None, required=required)
    planned.files["prepare_sandbox"] = ["results/downloads/sandbox.json"]
    for status in (1, 0):
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\nexit {status}\n")
        python.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        if status:
            with pytest.raises(UserError, match="there is no environment to run code of models in") as caught:
                check_sandbox(planned, settings, recipes, site)
            assert "--sdm conda" in str(caught.value)
            assert "networkx" in str(caught.value)
        else:
            check_sandbox(planned, settings, recipes, site)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(UserError, match="there is no environment to run code of models in"):
        check_sandbox(planned, settings, recipes, site)


def test_an_example_of_an_estimate_that_is_not_there_is_told_by_a_dry_run(config: dict[str, Any]) -> None:
    config["estimate"]["seen"] = ["results/nothere"]
    settings = Settings(config)
    look_ahead(settings, Recipes(settings), Planned(files=ASKS))
    with pytest.raises(UserError, match="results/nothere: there is no run"):
        look_ahead(settings, Recipes(settings), Planned(files=NOTHING_MADE))
    config["budget"] = {"usd": 10.0, "gpu_hours": None}
    with pytest.raises(UserError, match="results/nothere"):
        look_ahead(settings, Recipes(settings), Planned(files=ASKS))


@pytest.mark.parametrize("jobs", [NOTHING_MADE, CHEAP])
def test_a_command_beside_a_run_changes_nothing_that_the_run_reads(
    config: dict[str, Any], jobs: dict[str, list[str]]
) -> None:
    started(Settings(config), ASKS, makes_environments=False)
    before = {path: Path(path).read_bytes() for path in saved()}
    other = copy.deepcopy(config)
    other["raw_data"]["limit"] = 5
    started(Settings(other), jobs, makes_environments=False)
    assert {path: Path(path).read_bytes() for path in before} == before
    assert len(saved()) == 3


def test_a_budget_stops_what_asks_models_and_only_that(
    config: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    config["budget"] = {"usd": 0.01, "gpu_hours": None}
    for jobs in (NOTHING_MADE, CHEAP):
        started(Settings(config), jobs, makes_environments=False)
    with pytest.raises(UserError):
        started(Settings(config), ASKS, makes_environments=False)
    said = capfd.readouterr()
    assert "the budget is 0.01" in said.err
    assert "extract_problems" in said.out
    assert not Path("results/small/config.yaml").exists()


def test_a_stage_that_is_asked_again_counts_into_the_budget(config: dict[str, Any]) -> None:
    planned = [*ASKS["extract_problems"], "results/small/counts/extract_problems/shard-000-of-001.json"]
    run_files.asked(Path("results/small"), "extract_problems", 1000)
    settings = Settings(config)
    estimate = make_estimate(parse_arguments(["--run", "results/small", "--config", "x"]), config)
    config["budget"] = {"usd": estimate.total("usd") + 0.01, "gpu_hours": None}  # type: ignore[operator]
    started(settings, ASKS, makes_environments=False)
    with pytest.raises(UserError):
        start_run(settings, Recipes(settings), {"extract_problems": planned}, False, anew=planned)


def test_a_run_that_will_search_with_embeddings_needs_them_from_the_start(config: dict[str, Any]) -> None:
    embeds = ASKS | {"search_embeddings": ["results/small/contamination/embeddings.jsonl"]}
    config["decontaminate"]["embeddings"]["python"] = "/nowhere/python"
    with pytest.raises(UserError, match="/nowhere/python"):
        started(Settings(config), embeds, makes_environments=False)
    started(Settings(config), embeds, makes_environments=True)
    started(Settings(config), ASKS, makes_environments=False)
    config["decontaminate"]["embeddings"]["python"] = f"{sys.executable} -S"
    with pytest.raises(UserError, match="embeddings"):
        started(Settings(config), embeds, makes_environments=False)


def test_an_interpreter_without_torch_is_named(config: dict[str, Any], tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    config["decontaminate"]["embeddings"]["python"] = str(python)
    with pytest.raises(UserError, match="has not the packages") as caught:
        started(Settings(config), {"search_embeddings": []}, makes_environments=False)
    assert str(python) in str(caught.value)
