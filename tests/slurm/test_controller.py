"""A controller that goes away at every call of the executor, and a limit on submissions: both cost time and nothing else."""

from __future__ import annotations

import os
import signal
from typing import Any

import orjson
import pytest
from slurm.slurm_lab import Cluster, Run, Stage, asked, nothing_is_left, until
from workflow.projects import Project

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]
PROBLEMS = "results/demo/problems.jsonl"
SHARDS = ("000", "001")


def served(project: Project, **fault: Any) -> tuple[str, ...]:
    """Arguments for a labelling model whose server does something else to one request of the first shard."""
    project.path("faults.yaml").write_bytes(orjson.dumps([fault]))
    model = {
        "server": "replay",
        "gpus": 1,
        "runtime_min": 30,
        "args": ["--faults", "faults.yaml", "--count-file", "asked.jsonl"],
    }
    config = project.overlay("served.yaml", {"models": {"authored-replies": model}})
    return "--configfile", "config/demo.yaml", config


def first_request(local: Project) -> tuple[str, int]:
    """The id of a request of the first shard, and how many there are."""
    lines = local.path("results/demo/replies/extract_problems/shard-000-of-002.jsonl").read_bytes().splitlines()
    reply = orjson.loads(lines[0])
    return f"extract_problems/{reply['id']}/{reply['prompt']}/{reply['seed']}", len(lines)


def jobs_of(stage: Stage) -> list[str]:
    folder = str(stage.project.folder)
    return [job.shard for job in stage.cluster.jobs() if job.rule == stage.rule and folder in job.arguments]


def test_an_away_controller_and_a_limit_on_submissions_cost_time_only_and_cancelling_waits_for_it(
    unextracted: Project, local_problems: Project, cluster: Cluster
) -> None:
    project, stage = unextracted, Stage(cluster, unextracted, "extract_problems")
    request, count = first_request(local_problems)
    model = served(project, match=request, kind="hang", times=1)
    cluster.lose_controller()
    with cluster.at_most(1):
        run = Run(project, cluster, PROBLEMS, *model)
        try:
            # Which partition is the default is asked before the first job is submitted.
            until(lambda: "Slurm: sinfo: the controller is away, waiting" in run.said, "who is away is told")
            cluster.bring_back_controller()
            until(lambda: "Slurm: sbatch: a limit on submissions is reached, waiting" in run.said, "the limit is told")
            number = stage.wait_for_job("000", replies=count - 1)
            cluster.lose_controller()
            until(lambda: "Slurm: squeue: the controller is away" in run.said, "the states are not known")
            os.kill(run.process.pid, signal.SIGINT)
            assert run.process.wait(180) == 130
            assert "Slurm: scancel: the controller is away, jobs are cancelled when it is back" in run.said
            submitted = jobs_of(stage)
            cluster.bring_back_controller()
            until(lambda: cluster.is_over(number), "the job is cancelled")
            assert cluster.state(number) == "CANCELLED"
            nothing_is_left(project)
            assert jobs_of(stage) == submitted
            assert set(submitted) <= set(SHARDS)
            assert len(submitted) == len(set(submitted))

            run = Run(project, cluster, PROBLEMS, *model)
            run.finish()
        finally:
            run.end()
    assert project.path(PROBLEMS).read_bytes() == local_problems.path(PROBLEMS).read_bytes()
    assert set(asked(project, "answered").values()) == {1}
    nothing_is_left(project)
