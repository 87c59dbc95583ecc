"""A node that ends every server: a job fails on it once and then avoids it; and a job that is held is told with its remedy."""

from __future__ import annotations

import json
import sys

import pytest
from omr.live.run import Watched
from slurm.slurm_lab import Cluster, Run, Stage, nothing_is_left, until
from workflow.projects import ROOT, Project

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]
PROBLEMS = "results/demo/problems.jsonl"
#: The demo's replies, from a server that no process of n1 becomes, and one of n2 only when there is a file `go`.
SERVER = """#!/bin/sh
if [ "$SLURMD_NODENAME" = n1 ]; then echo "RuntimeError: CUDA error: unknown error"; exit 1; fi
until [ -e {folder}/go ]; do sleep 0.2; done
exec {python} {root}/tests/omr/servers/stand_in_server.py "$@"
"""
MODEL = {"server": "vllm", "prepare": "none", "gpus": 8, "cpus_per_gpu": 3, "mem_gb_per_gpu": 10, "runtime_min": 30}


def served(project: Project) -> tuple[str, str]:
    python = project.path("site-python")
    python.write_text(SERVER.format(folder=project.folder, python=sys.executable, root=ROOT))
    python.chmod(0o755)
    replay = "scripts/replay_server.py --replies tests/data/demo/replies"
    model = MODEL | {"args": ["--state", "told", "--become", f"{sys.executable} {replay}"]}
    site = {"python": str(python), "check_gpus": False, "cache_dir": str(project.path("caches")), "grace_s": 5}
    return "--configfile", project.overlay(
        "site.yaml", {"models": {"authored-replies": model}, "servers": {"vllm": site}}
    )


def test_a_job_fails_on_a_bad_node_once_and_what_somebody_holds_is_told(
    unextracted: Project, local_problems: Project, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, stage = unextracted, Stage(cluster, unextracted, "extract_problems")
    before = len(cluster.jobs())
    run = Run(project, cluster, PROBLEMS, *served(project))
    try:
        # Each job takes a whole node, and n1 is free again at once.
        until(lambda: len(cluster.jobs()) == before + 3, "a further try")
        again = cluster.jobs()[-1]
        (failed,) = [job for job in cluster.jobs()[before:-1] if cluster.is_over(job.number)]
        assert (failed.rule, failed.shard) == (again.rule, again.shard)
        assert cluster.job(failed.number)["NodeList"] == "n1"
        assert "--exclude=n1 " in again.options
        assert f"job {failed.number} (extract_problems demo_{failed.shard}_002) failed on n1 (" in run.said
        assert "ended with exit status 1: RuntimeError: CUDA error: unknown error)" in run.said
        assert cluster.state(again.number) == "PENDING"

        cluster.ask("scontrol", "uhold", again.number)
        until(lambda: f"job {again.number} will not start without help: held by the owner" in run.said, "it is told")
        assert f"`scontrol release {again.number}`" in run.said
        monkeypatch.setenv("PATH", cluster.environment["PATH"])
        seen = Watched(project.path("results/demo")).look()
        assert [line.partition(" will")[0] for line in seen.waits] == [f"job {again.number}"]
        assert "1 job failed on the node n1" in seen.nodes[0]

        cluster.ask("scontrol", "release", again.number)
        project.path("go").touch()
        said = run.finish()
    finally:
        run.end()
    assert [job.shard for job in cluster.jobs()[before:]].count(again.shard) == 2
    # It did well on n2; one job alone does not speak against n1 for others.
    (kept,) = json.loads(project.path("results/demo/nodes.json").read_text())["failed"]
    assert (kept["node"], kept["kind"], kept["elsewhere"]) == ("n1", "start", "n2")
    assert "nodes:          1 job failed on the node n1" in said
    assert project.path(PROBLEMS).read_bytes() == local_problems.path(PROBLEMS).read_bytes()
    assert stage.latest(again.shard) == again
    nothing_is_left(project)
