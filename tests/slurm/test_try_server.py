"""The first afternoon on a cluster: one server in one job, and what a site says of its jobs reaches Slurm."""

from __future__ import annotations

from typing import Any

import pytest
from slurm.conftest import with_layer
from slurm.slurm_lab import Cluster, Run, nothing_is_left
from workflow.projects import Project, copy_project

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]


@pytest.fixture
def fresh(tmp_path: Any) -> Project:
    return with_layer(copy_project(tmp_path / "project"), retries=2)


def run(project: Project, cluster: Cluster, **model: Any) -> tuple[Run, list[str]]:
    """`snakemake try_server` for a model with GPUs, to its end; and the options of its jobs."""
    before = len(cluster.jobs())
    entry = {"gpus": 2, "runtime_min": 30, "slurm": {"qos": "high"}} | model
    slurm = {"partition": "gpu", "extra": ["--nice=7", "--mail-user=it's $HOME"]}
    config = project.overlay("site.yaml", {"slurm": slurm, "models": {"authored-replies": entry}})
    ran = Run(project, cluster, "try_server", "--configfile", "config/demo.yaml", config)
    try:
        ran.process.wait(600)
    finally:
        ran.end()
    return ran, [job.options for job in cluster.jobs()[before:]]


def test_one_job_with_the_models_gpus_is_asked_and_its_page_is_shown_where_the_command_was_typed(
    fresh: Project, cluster: Cluster
) -> None:
    ran, (options,) = run(fresh, cluster)
    assert ran.process.returncode == 0, ran.said[-4000:]
    for wanted in ("--gpus=2", "--nodes=1", "-t 30", "-p gpu", "--qos=high", "--signal=TERM@60", "--nice=7"):
        assert f" {wanted} " in f"{options} ", options
    assert " in Slurm's job " in ran.said
    assert "It can be asked." in ran.said
    nothing_is_left(fresh)


def test_what_a_job_found_wrong_is_shown_too_and_no_second_job_finds_it_again(fresh: Project, cluster: Cluster) -> None:
    ran, options = run(fresh, cluster, server="replay", args=["--no-such-option"])
    assert ran.process.returncode == 1
    assert len(options) == 1
    assert "check `args` of the model against the server's version" in ran.said
    assert "It cannot be asked like this." in ran.said
