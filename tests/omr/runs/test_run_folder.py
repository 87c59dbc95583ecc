"""Folders that are no runs are told with the runs that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from omr.runs.run_folder import check_run


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("config", "results/demo", "results/full", "results/demo/cot-qwq", "elsewhere/mine"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("config", "results/demo", "results/full", "elsewhere/mine"):
        (tmp_path / folder / "config.yaml").touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("named", "remedy"),
    [
        ("demo", "did you mean results/demo?"),
        ("results/dem", "did you mean results/demo?"),
        ("results/demo/cot-qwq", "did you mean results/demo?"),
        ("elsewhere/min", "did you mean elsewhere/mine?"),
        ("results", "there are: results/demo, results/full"),
        ("README.md", "there are: results/demo, results/full"),
        ("nowhere/x", "there are: results/demo, results/full"),
    ],
)
def test_a_name_that_is_no_run_is_told_with_the_one_that_was_meant(named: str, remedy: str) -> None:
    with pytest.raises(UserError, match="there is no run") as caught:
        check_run(Path(named))
    assert caught.value.remedy == remedy


def test_where_there_are_no_runs_an_example_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "results/demo")
    with pytest.raises(UserError, match="names one") as caught:
        check_run(Path("demo"), "`estimate.seen`")
    assert caught.value.remedy == "name the folder of a run, like results/demo"
