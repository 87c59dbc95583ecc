"""A model over two nodes on a real Slurm: one server, a process on each node, and what losses and limits cost."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from typing import Any

import orjson
import pytest
from omr.servers.model_files import read_manifest
from server_lab import write_script
from slurm.conftest import with_layer
from slurm.slurm_lab import Cluster, Run, Stage, asked, nothing_is_left, processes_of, until
from workflow.projects import ROOT, Project

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm-nodes")]
PROBLEMS = "results/demo/problems.jsonl"
SHAPE = {"nodes": 2, "gpus": 8, "cpus_per_gpu": 3, "mem_gb_per_gpu": 10, "runtime_min": 30}
MODEL = SHAPE | {"server": "vllm", "prepare": "none"}
STAND_IN = ROOT / "tests/omr/servers/stand_in_server.py"


def served(project: Project, hanging: str, times: int) -> tuple[str, str]:
    """Arguments for a labelling model on two nodes that leaves one request without an answer so many times."""
    python = project.path("stand-in/bin/python")
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    python.chmod(0o755)
    project.path("faults.yaml").write_bytes(orjson.dumps([{"match": hanging, "kind": "hang", "times": times}]))
    replay = "scripts/replay_server.py --replies tests/data/demo/replies --faults faults.yaml --count-file asked.jsonl"
    arguments = ["--state", "told", "--become", f"{sys.executable} {replay}"]
    site = {"python": str(python), "check_gpus": False, "cache_dir": str(project.path("caches")), "grace_s": 5}
    config = {"models": {"authored-replies": MODEL | {"args": arguments}}, "servers": {"vllm": site}}
    return "--configfile", project.overlay("two-nodes.yaml", config)


def replies_of(project: Project, shard: str) -> list[dict[str, Any]]:
    path = project.path(f"results/demo/replies/extract_problems/shard-{shard}-of-002.jsonl")
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def request(reply: dict[str, Any]) -> str:
    return f"extract_problems/{reply['id']}/{reply['prompt']}/{reply['seed']}"


def starts(project: Project, job: str) -> list[tuple[dict[str, Any], ...]]:
    """What the processes of each start of a job's server told about themselves, the head's first."""
    files = sorted(project.path("told").glob("process-*.json"), key=lambda file: file.stat().st_mtime_ns)
    told = [json.loads(file.read_text()) for file in files]
    told = [process for process in told if process["environment"]["SLURM_JOB_ID"] == job]
    pairs = [told[first : first + 2] for first in range(0, len(told), 2)]
    return [tuple(sorted(pair, key=lambda process: option(process, "--node-rank"))) for pair in pairs]


def option(process: dict[str, Any], name: str) -> str:
    words: list[str] = process["argv"]
    return words[words.index(name) + 1]


def check_start(head: dict[str, Any], other: dict[str, Any]) -> None:
    """The two processes are one server over both nodes."""
    for rank, process in enumerate((head, other)):
        environment = process["environment"]
        assert (option(process, "--nnodes"), option(process, "--node-rank")) == ("2", str(rank))
        assert (environment["SLURMD_NODENAME"], environment["VLLM_HOST_IP"]) == (f"n{rank + 1}", f"127.0.0.{11 + rank}")
        assert option(process, "--master-addr") == "127.0.0.11"
        assert len(environment["CUDA_VISIBLE_DEVICES"].split(",")) == 8
        assert option(process, "--tensor-parallel-size") == "16"
    assert option(head, "--master-port") == option(other, "--master-port")
    assert ("--headless" in head["argv"], "--headless" in other["argv"]) == (False, True)


def check_result(project: Project, local: Project, hanging: str, times: int) -> None:
    """The same problems as from one machine, no stored reply asked for again, and nothing left on any node."""
    assert project.path(PROBLEMS).read_bytes() == local.path(PROBLEMS).read_bytes()
    requests = {request(reply) for shard in ("000", "001") for reply in replies_of(local, shard)}
    assert asked(project) == {name: times if name == hanging else 1 for name in requests}
    assert asked(project, "answered") == dict.fromkeys(requests, 1)
    nothing_is_left(project)


def test_one_server_spans_both_nodes_and_is_started_again_when_one_of_them_dies(
    unextracted: Project, local_problems: Project, cluster: Cluster
) -> None:
    project, stage = unextracted, Stage(cluster, unextracted, "extract_problems")
    replies = replies_of(local_problems, "000")
    hanging = request(replies[0])
    run = Run(project, cluster, PROBLEMS, *served(project, hanging, times=1))
    try:
        number = stage.wait_for_job("000", replies=len(replies) - 1)
        job = cluster.job(number)
        assert (job["NumNodes"], job["NumTasks"], job["CPUs/Task"], job["TimeLimit"]) == ("2", "2", "24", "00:30:00")
        assert (job["TresPerNode"], job["MinMemoryNode"]) == ("gres:gpu:8", "88000M")
        # The server has all of the job's CPUs, and not one for each of its two processes.
        assert " Nodes=2 CPUs=48 Tasks=2 " in cluster.ask("scontrol", "show", "step", "--oneliner", f"{number}.0")
        (pair,) = starts(project, number)
        os.kill(pair[1]["pid"], signal.SIGKILL)
        run.finish()
    finally:
        run.end()
    jobs = [stage.latest("000"), stage.latest("001")]
    for submitted in jobs:
        assert submitted is not None
        options = f"{submitted.options} "
        for wanted in ("--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--gpus-per-node=8", "--mem 88000", "-t 30"):
            assert f" {wanted} " in options
        assert "--gpus=" not in options
        assert "--signal" not in options
    assert [len(starts(project, submitted.number)) for submitted in jobs if submitted] == [2, 1]
    for submitted in filter(None, jobs):
        for head, other in starts(project, submitted.number):
            check_start(head, other)
    assert "starting it again (1 of 2 times)" in stage.log("000")
    check_result(project, local_problems, hanging, times=2)


def test_cancelled_and_near_its_time_limit_a_job_stops_on_both_nodes_and_is_continued(
    unextracted: Project, local_problems: Project, cluster: Cluster
) -> None:
    project, stage = unextracted, Stage(cluster, unextracted, "extract_problems")
    replies = replies_of(local_problems, "000")
    hanging = request(replies[0])
    # Only the second job is short; the first one has time to be cancelled, however slow the machine is.
    limits = {"set-resources": {"extract_problems": {"runtime": "3 if attempt == 2 else 30"}}}
    with_layer(project, "second-is-short", **limits)
    model = served(project, hanging, times=2)
    run = Run(project, cluster, PROBLEMS, *model, layer="second-is-short")
    try:
        first = stage.wait_for_job("000", replies=len(replies) - 1)
        assert {process["pid"] for process in starts(project, first)[0]} < set(processes_of(project, first))
        cluster.ask("scancel", first)
        until(lambda: cluster.is_over(first), "cancelled")
        assert cluster.state(first) == "CANCELLED"
        # This Slurm loses sight of the job when its shell ends; requests in flight have 20 s from then.
        nothing_is_left(project, first)

        until(lambda: asked(project)[hanging] == 2, "asked by the next job")
        second = stage.latest("000", first)
        assert second is not None
        until(lambda: cluster.is_over(second.number), "the time limit")
        job = cluster.job(second.number)
        assert (job["JobState"], job["TimeLimit"]) == ("FAILED", "00:03:00")
        assert "00:01:50" < job["RunTime"] < "00:03:00"
        nothing_is_left(project, second.number)
        said = run.finish()
    finally:
        run.end()
    assert re.search(rf"Slurm ends job {second.number} in (5\d|60) s", said)
    assert "told to stop" in said
    check_result(project, local_problems, hanging, times=3)


def test_a_checkpoint_is_saved_in_shards_by_a_job_over_both_nodes(fresh: Project, cluster: Cluster) -> None:
    checkpoint = {"config.json": b"{}", "a.safetensors": b"weights"}
    fresh.path("checkpoint").mkdir()
    for name, content in checkpoint.items():
        fresh.path(f"checkpoint/{name}").write_bytes(content)
    python = write_script(
        fresh.path("site/python"), f'#!/bin/sh\nshift\nexec {sys.executable} {ROOT}/tests/stand_in_saver.py "$@"\n'
    )
    model = MODEL | {"path": str(fresh.path("checkpoint")), "prepare": "sharded_state", "expert_parallel_size": 16}
    site = {"python": str(python), "check_gpus": False, "cache_dir": str(fresh.path("caches")), "grace_s": 5}
    config = {"model_folder": "models", "models": {"authored-replies": model}, "servers": {"vllm": site}}
    before = len(cluster.jobs())
    overlay = fresh.overlay("sharded.yaml", config)
    Run(fresh, cluster, "models", "--configfile", "config/demo.yaml", overlay).finish()

    (job,) = cluster.jobs()[before:]
    assert job.rule == "save_sharded_state"
    for wanted in ("--nodes=2", "--ntasks=2", "--gpus-per-node=8", "--mem 88000"):
        assert f" {wanted} " in f"{job.options} "
    saved = read_manifest(fresh.path("models/sharded/authored-replies/manifest.json"))
    assert (saved.tensor_parallel_size, saved.expert_parallel_size) == (16, 16)
    shards = {f"model-rank-{rank}-part-0.safetensors" for rank in range(16)}
    assert {file.path for file in saved.files} == shards | {"config.json"}
    log = fresh.path("models/sharded/authored-replies/save_sharded_state.server.log").read_text()
    assert {f"node {rank} (n{rank + 1}):" in log for rank in range(2)} == {True}
    nothing_is_left(fresh)
    # Another run finds it there.
    other = fresh.overlay("other.yaml", {"run": "other"})
    planned = fresh.planned("models", "--configfile", "config/demo.yaml", overlay, other)
    assert "save_sharded_state" not in planned
