"""Endpoints are asked for their models before a run starts, each once."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import run_files
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError
from omr.replay.launch import running_server
from omr.runs.endpoint_checks import check_endpoints
from omr.runs.planned import Asking, Planned
from omr.servers import endpoint

LABELS = Asking("extract_problems", ("prompts/extract_problems.yaml",))
SOLVES = Asking("generate_solutions", ("prompts/solve_cot.yaml",), run_files.RECIPE)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(endpoint, "_PAUSES_S", (0.01, 0.01))
    monkeypatch.setenv("SOME_KEY", "the-key")


def check(base_url: str, jobs_run_here: bool = True, **model: Any) -> None:
    entry = {"path": "some/model", "server": "endpoint", "base_url": base_url, "api_key_env": "SOME_KEY"} | model
    settings = Settings(run_files.config(models={"solver": entry}))
    files = {
        "extract_problems": ["results/small/replies/extract_problems/a.jsonl"],
        "generate_solutions": [f"results/small/{run_files.RECIPE}/solutions/a.jsonl"],
    }
    planned = Planned(files, {LABELS: None, SOLVES: None})
    check_endpoints(planned, settings, Recipes(settings), jobs_run_here)


def nowhere() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


def test_an_endpoint_that_has_the_model_lets_the_run_start(capsys: pytest.CaptureFixture[str]) -> None:
    with running_server({"*": "x"}, model="some/model", api_key="the-key") as server:
        check(server.base_url)
    assert capsys.readouterr().err == ""


def test_wrong_models_keys_and_addresses_stop_the_run_with_the_key_of_config(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_server({"*": "x"}, model="some/model", api_key="the-key") as server:
        with pytest.raises(UserError, match="does not answer for 'other/model'") as caught:
            check(server.base_url, path="other/model")
        assert "check `path` and `base_url` of the model 'solver'" in str(caught.value)
        monkeypatch.setenv("SOME_KEY", "another-key")
        with pytest.raises(UserError, match="key"):
            check(server.base_url)
        monkeypatch.delenv("SOME_KEY")
        with pytest.raises(UserError, match="SOME_KEY is not set"):
            check(server.base_url)
    with pytest.raises(UserError, match="cannot be reached"):
        check(nowhere(), api_key_env=None)


def test_what_the_nodes_may_reach_and_this_machine_cannot_is_only_said(capsys: pytest.CaptureFixture[str]) -> None:
    check(nowhere(), jobs_run_here=False, api_key_env=None)
    assert "warning: " in capsys.readouterr().err


def test_a_run_whose_replies_may_all_be_stored_starts_without_its_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("replies/extract_problems", f"{run_files.RECIPE}/solutions"):
        journal = Path(f"results/small/{path}/a.jsonl.journal")
        journal.parent.mkdir(parents=True)
        journal.touch()
    check(nowhere(), api_key_env=None)
    assert "cannot be reached" in capsys.readouterr().err
    journal.unlink()
    with pytest.raises(UserError, match="cannot be reached"):
        check(nowhere(), api_key_env=None)


def test_models_that_jobs_serve_themselves_are_not_asked_for() -> None:
    check(nowhere(), server="replay", replies="replies", api_key_env=None)
