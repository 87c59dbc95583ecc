"""A run is watched while it goes on, in the real workflow: on its terminal, from another one, and by its budget."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import orjson
import pytest
from terminals import on_terminal, plain
from workflow.projects import Project, clean_environment

pytestmark = pytest.mark.workflow
TARGET = "results/demo/problems.jsonl"
DEMO = (TARGET, "--configfile", "config/demo.yaml")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]


def test_on_a_terminal_stages_are_drawn_and_snakemakes_lines_are_in_its_log(project: Project) -> None:
    status, written = on_terminal(
        command(*DEMO, "--quiet", "rules"), project.folder, columns=90, lines=30, environment=clean_environment()
    )
    shown = plain(written)
    assert status == 0, shown
    assert "demo" in shown
    assert " jobs, " in shown
    assert "now: extract_problems" in shown
    assert f"made:           {TARGET}" in shown
    for line in ("Job stats", "rule extract_problems", "Finished jobid", "SNAKEMAKE", "steps ("):
        assert line not in shown
    logs = project.path(".snakemake/log")
    (log,) = logs.glob("*.snakemake.log")
    assert "rule extract_problems" in log.read_text()
    assert list(logs.glob("*.jobs.log")) == []  # none of these jobs printed anything


def test_piped_output_is_snakemakes_own_lines(project: Project) -> None:
    said = project.make("results/demo/raw_aops_data.jsonl", "--configfile", "config/demo.yaml")
    assert "Job stats" in said
    assert "localrule prepare_raw_data" in said
    assert "\x1b" not in said
    assert list(project.path(".snakemake/log").glob("*.jobs.log")) == []


def test_what_a_command_tells_on_a_terminal_stands_alone(project: Project) -> None:
    """One whose jobs make nothing: what they say is what it is for."""
    project.make("results/demo/raw_aops_data.jsonl", *DEMO[1:])
    for log in project.path(".snakemake/log").iterdir():
        log.unlink()
    status, written = on_terminal(
        command("status", *DEMO[1:]), project.folder, columns=100, lines=30, environment=clean_environment()
    )
    shown = [line for line in plain(written).splitlines() if line.strip()]
    assert status == 0, shown
    assert shown[0] == "Building DAG of jobs..."
    assert shown[1].startswith("demo ")
    assert not [
        line for line in shown if line.startswith(("Select jobs", "localrule", "Finished", "Complete", "Elapsed"))
    ]
    (log,) = project.path(".snakemake/log").glob("*.snakemake.log")
    assert "localrule status" in log.read_text()
    assert "Finished jobid" in project.make("status", *DEMO[1:])  # piped


def test_a_failed_job_on_a_terminal_is_named_and_the_ending_stands_below(project: Project) -> None:
    project.path("tests/data/demo/replies/extract_problems.yaml").unlink()
    status, written = on_terminal(command(*DEMO), project.folder, environment=clean_environment())
    shown = plain(written)
    assert status == 1
    assert "a job failed: extract_problems, see results/demo/logs/extract_problems/shard-000" in shown
    assert "When that is mended, the same command goes on:" in shown.rpartition("The run did not finish")[2]


def slow(project: Project, gpu_hours: float, latency_s: float) -> tuple[str, ...]:
    """Models whose GPU-hours count, and which take their time."""
    model = {"server": "replay", "gpus": 1, "tokens_per_second": 1e9, "start_min": 0, "concurrency": 1}
    model["args"] = ["--latency-s", str(latency_s)]
    overlay = {"models": {"authored-replies": model}, "budget": {"gpu_hours": gpu_hours}}
    return (TARGET, "--configfile", "config/demo.yaml", project.overlay("slow.yaml", overlay))


def test_a_run_ends_when_its_budget_is_used_up_and_goes_on_with_a_larger_one(project: Project) -> None:
    arguments = slow(project, gpu_hours=1.0, latency_s=4.0)
    run = subprocess.Popen(
        command(*arguments), cwd=project.folder, env=clean_environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    progress = project.path("results/demo/replies/extract_problems")
    wait_for(lambda: any(progress.glob("*.progress")))
    config = project.path("results/demo/config.yaml").read_bytes()
    seen = project.make("status", *arguments[1:])
    assert "is at work, for" in seen
    assert "extract_problems" in seen
    assert "budget 1.0" in seen
    assert project.path("results/demo/config.yaml").read_bytes() == config
    # Ten hours of another job of the run.
    spent = {"version": 1, "phase": "stopped", "total": 1, "held_s": 36000.0, "gpus": 1}
    elsewhere = project.path("results/demo/replies/convert_proofs/shard-000-of-001.jsonl.progress")
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(orjson.dumps(spent))
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 1
    ending = said.rpartition("Stopped, since ")[2]
    assert ending.startswith("the budget is used up: ")
    assert "raise `budget` in config" in ending
    stored = sum(path.read_bytes().count(b"\n") for path in progress.glob("*.journal"))
    assert stored
    assert orjson.loads(project.path("results/demo/estimate.json").read_bytes())["stages"]
    jobs = orjson.loads(project.path("results/demo/jobs.json").read_bytes())
    assert jobs["ended"] == "stopped"
    again = project.snakemake(*arguments)
    assert again.returncode == 1
    assert "the budget is used up: " in again.stdout
    assert "jobs failed" not in again.stdout
    more = slow(project, gpu_hours=20.0, latency_s=0.0)
    project.make(*more)
    assert project.path(TARGET).exists()
    assert not project.path("results/demo/budget_used_up.json").exists()


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(6000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never was so")
