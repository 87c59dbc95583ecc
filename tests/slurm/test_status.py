"""Who is at work is told by the queue of a real Slurm, and by how long nothing was heard while that is away."""

from __future__ import annotations

import os
import time
from pathlib import Path

import orjson
import pytest
from live_runs import ELSEWHERE, HERE, STAGE, at_work, begin_run
from omr.live.run import RunProgress, Watched
from slurm.slurm_lab import Cluster, until

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]


def submit(cluster: Cluster, *options: str) -> str:
    return cluster.ask("sbatch", "--parsable", "--job-name=run-1", "--output=/dev/null", *options, "--wrap=sleep 600")


def states(run: RunProgress) -> dict[str, int]:
    stage = next(stage for stage in run.stages if stage.stage == STAGE)
    return {state: number for state, number in stage.shards.items() if number}


def test_jobs_that_run_wait_and_ended_are_told_apart_and_counted(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{cluster.folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_CONF", str(cluster.folder / "slurm.conf"))
    folder = begin_run(tmp_path / "small")
    runs, waits, ended = submit(cluster), submit(cluster, "--hold"), submit(cluster)
    cluster.ask("scancel", ended)
    until(lambda: cluster.state(runs) == "RUNNING" and cluster.is_over(ended), "one runs, one is over")
    for number, job in enumerate((runs, waits, ended)):
        at_work(folder, number, age_s=10_000, **(ELSEWHERE | {"job": job}))
    said = {"rules": {}, "began_at": time.time(), "at": time.time(), "ended": "", "run_id": "run-1"}
    (folder / "jobs.json").write_bytes(orjson.dumps(said | HERE))
    run = Watched(folder).look()
    assert states(run) == {"running": 1, "stopped": 2, "waiting": 1}
    assert run.queue == {"RUNNING": 1, "PENDING": 1}
    assert run.faults == []
    cluster.lose_controller()
    monkeypatch.setattr("omr.live.signs._ANSWER_WITHIN_S", 2.0)
    run = Watched(folder).look()
    assert states(run) == {"silent": 3, "waiting": 1}
    assert run.faults == ["squeue does not answer"]
