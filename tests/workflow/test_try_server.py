"""`snakemake try_server`: one model is started and asked, before anything else of a run."""

from __future__ import annotations

import pytest
from workflow.projects import Project

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("try_server")]
DEMO = ("try_server", "--configfile", "config/demo.yaml")


def test_any_model_of_the_config_is_tried_and_nothing_else_of_the_run_is_made(project: Project) -> None:
    said = project.make(*DEMO, "--config", "model=authored-selections")
    assert "try_server: the model authored-selections" in said
    assert "ok     answer: \\boxed{42}, as it should be\nIt can be asked." in said
    made = [str(path.relative_to(project.folder)) for path in project.path("results").rglob("*") if path.is_file()]
    assert sorted(path for path in made if "/configs/" not in path) == [
        "results/demo/logs/try_server/authored-selections.log",
    ]
    # It is tried again whenever it is asked for.
    assert "It can be asked." in project.make(*DEMO, "--config", "model=authored-selections")


def test_what_fails_is_found_once_and_the_run_says_so(project: Project) -> None:
    overlay = project.overlay(
        "site.yaml", {"models": {"authored-replies": {"server": "replay", "args": ["--no-such-option"]}}}
    )
    done = project.snakemake(*DEMO, overlay, "--retries", "2")
    assert done.returncode == 1
    assert done.stdout.count("It cannot be asked like this.") == 1
    assert "the replay server of the model 'authored-replies' ended" in done.stdout
    assert "The run did not finish: 1 of its jobs failed" in done.stdout


def test_a_model_that_config_does_not_have_is_refused_with_those_that_it_has(project: Project) -> None:
    done = project.snakemake(*DEMO, "--config", "model=qwen")
    assert done.returncode == 1
    assert "the model 'qwen' is not in config (known: authored-replies, " in done.stdout
    assert "Traceback" not in done.stdout
