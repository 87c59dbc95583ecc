"""`snakemake --profile slurm` on a real Slurm: what jobs ask for, and what cancelling, time limits and loss cost."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from slurm.conftest import with_layer
from slurm.slurm_lab import Cluster, Run, Submitted, until
from workflow.projects import Project

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]
CLASSIFIED = "results/demo/classified.jsonl"
SHARDS = ("000", "001")
MODEL = {"gpus": 2, "cpus_per_gpu": 3, "mem_gb_per_gpu": 10, "runtime_min": 7}
#: Requests that get no answer the first time or the first two times: jobs stand still there until something happens.
HANGS = {"classify_binary": 1, "classify_invalid": 2}


def served(project: Project, **model: Any) -> tuple[str, str]:
    """Arguments for a model that takes GPUs."""
    return "--configfile", project.overlay("gpus.yaml", {"models": {"authored-replies": MODEL | model}})


def hanging(project: Project, hangs: dict[str, int]) -> tuple[str, str]:
    """The same with a server that leaves some requests without an answer, and counts all."""
    faults = [{"match": f"*/{prompt}/0", "kind": "hang", "times": times} for prompt, times in hangs.items()]
    project.path("faults.yaml").write_bytes(orjson.dumps(faults))
    arguments = ["--faults", "faults.yaml", "--count-file", "asked.jsonl"]
    return served(project, args=arguments, concurrency=64)


def asked(project: Project, event: str = "received") -> Counter[str]:
    """How often each request was sent, or answered."""
    path = project.path("asked.jsonl")
    lines = path.read_bytes().splitlines() if path.exists() else []
    events = [orjson.loads(line) for line in lines if line.endswith(b"}")]
    return Counter(row["id"] for row in events if row["event"] == event)


def stored(project: Project, shard: str) -> int:
    journal = project.path(f"results/demo/replies/classify_problems/shard-{shard}-of-002.jsonl.journal")
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def log_of(project: Project, shard: str) -> str:
    """What the latest job of a shard said; Snakemake removes the log of the one before."""
    path = project.path(f"results/demo/logs/classify_problems/shard-{shard}-of-002.log")
    return path.read_text() if path.exists() else ""


def stands_still(project: Project, shard: str, prompts: int) -> bool:
    """Whether all of a shard was asked but nothing more will be answered: so many of the four prompts are."""
    problems = {"000": 15, "001": 13}[shard]
    return stored(project, shard) == problems * prompts


def latest(cluster: Cluster, project: Project, shard: str, earlier: str = "") -> Submitted | None:
    """The shard's last job of this project, if it is another than `earlier`."""
    found = [
        job
        for job in cluster.jobs()
        if job.rule == "classify_problems" and job.shard == shard and str(project.folder) in job.arguments
    ]
    return found[-1] if found and found[-1].number != earlier else None


def wait_for_job(cluster: Cluster, project: Project, shard: str, prompts: int, earlier: str = "") -> str:
    """Number of the shard's job once it stands still with so many prompts answered."""
    until(lambda: latest(cluster, project, shard, earlier) is not None, f"a job of shard {shard} after {earlier}")
    job = latest(cluster, project, shard, earlier)
    assert job is not None
    until(lambda: stands_still(project, shard, prompts), f"shard {shard} with {prompts} prompts answered")
    return job.number


def servers_of(project: Project) -> dict[int, dict[str, str]]:
    """Process id -> environment of the model servers that the project's jobs started."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text()
            if "replay_server.py" in command and str(project.folder) in command and "supervise.py" not in command:
                entries = (folder / "environ").read_text().split("\0")
                found[int(folder.name)] = dict(entry.split("=", 1) for entry in entries if "=" in entry)
        except OSError:
            continue
    return found


def test_the_demo_ends_in_the_same_files_and_its_jobs_ask_for_what_config_says(
    fresh: Project, local_run: Project, cluster: Cluster
) -> None:
    before = len(cluster.jobs())
    Run(fresh, cluster, "results/demo/decontaminated.jsonl", *served(fresh)).finish()
    assert fresh.nouns("demo") == local_run.nouns("demo")

    jobs = cluster.jobs()[before:]
    models = [job for job in jobs if job.rule in ("check_contamination",) or "problems" in job.rule]
    models += [job for job in jobs if job.rule in ("extract_answers", "convert_proofs", "classify_converted")]
    assert len(models) == 8
    for job in models:
        options = job.options + " "
        for option in ("--gpus=2", "--nodes=1", "--mem 28000", "-t 7", "--cpus-per-task=6", "--requeue"):
            assert f" {option} " in options, job
    others = [job for job in jobs if job not in models]
    assert Counter(job.rule for job in others) == {"prepare_raw_data": 1, "search_lexical": 3}
    for job in others:
        assert not re.search("gpu[s=:]", job.options.replace(" -p gpu ", " "))
        assert " --mem 8000 " in job.options
        assert " -t 120 " in job.options
    assert " --cpus-per-task=16 " in next(job.options for job in others if job.rule == "prepare_raw_data")
    assert servers_of(fresh) == {}


def test_cancelled_out_of_time_and_off_a_lost_node_the_run_asks_nothing_twice(
    unclassified: Project, local_run: Project, cluster: Cluster
) -> None:
    project = unclassified
    short = {"set-resources": {"classify_problems": {"runtime": "1 if attempt == 1 else 10"}}}
    run = Run(with_layer(project, **short), cluster, CLASSIFIED, *hanging(project, HANGS))
    try:
        first = {shard: wait_for_job(cluster, project, shard, prompts=2) for shard in SHARDS}
        for number in first.values():
            job = cluster.job(number)
            assert job["JobState"] == "RUNNING"
            assert (job["NumNodes"], job["NumCPUs"], job["TimeLimit"]) == ("1", "6", "00:01:00")
            assert (job["TresPerJob"], job["MinMemoryNode"]) == ("gres:gpu:2", "28000M")
        devices = [environment["CUDA_VISIBLE_DEVICES"].split(",") for environment in servers_of(project).values()]
        assert [len(names) for names in devices] == [2, 2]

        # One is cancelled; the other is left to its time limit, of which Slurm warns it.
        cluster.ask("scancel", first["000"])
        second = {shard: wait_for_job(cluster, project, shard, 3, earlier=first[shard]) for shard in SHARDS}
        assert cluster.state(first["000"]) == "CANCELLED"
        assert "told to stop" in run.said

        # The daemon of their node dies, but not they. Slurm starts both again on the other node by itself, where they
        # wait until the node is back and Slurm has it kill what is left there.
        (node,) = {cluster.job(number)["NodeList"] for number in second.values()}
        cluster.lose_node(node)
        for shard, number in second.items():
            until(lambda number=number: cluster.job(number)["Restarts"] == "1", "requeued")
            # Slurm holds a requeued job back for two minutes.
            cluster.ask("scontrol", "update", f"JobId={number}", "StartTime=now")
            until(lambda shard=shard: "waiting for the lock" in log_of(project, shard), "waiting for the lock")
        cluster.bring_back(node)
        run.finish()
    finally:
        run.end()
    assert project.nouns("demo")["classified"] == local_run.nouns("demo")["classified"]
    assert {latest(cluster, project, shard).number for shard in SHARDS} == set(second.values())  # type: ignore[union-attr]
    for name, times in asked(project).items():
        assert times == 1 + HANGS.get(name.split("/")[2], 0), name
    assert set(asked(project, "answered").values()) == {1}
    assert servers_of(project) == {}


def test_snakemake_killed_and_started_again_does_not_run_its_jobs_twice(
    unclassified: Project, local_run: Project, cluster: Cluster
) -> None:
    project = unclassified
    # Without the warning: the jobs of the killed Snakemake stand still until Slurm kills them.
    short = {"set-resources": {"classify_problems": {"runtime": "1", "slurm_extra": "''"}}}
    config = hanging(project, {"classify_invalid": 1})
    killed = Run(with_layer(project, "short", **short), cluster, CLASSIFIED, *config, layer="short")
    try:
        first = {shard: wait_for_job(cluster, project, shard, prompts=3) for shard in SHARDS}
    finally:
        killed.end()
    project.make("--unlock")
    again = Run(with_layer(project), cluster, CLASSIFIED, *config)
    try:
        for shard in SHARDS:
            until(lambda shard=shard: latest(cluster, project, shard, first[shard]) is not None, "a twin")
            until(lambda shard=shard: f"Slurm job {first[shard]}" in log_of(project, shard), "waiting for the lock")
        until(lambda: all(cluster.is_over(number) for number in first.values()), "the time limit")
        assert {cluster.state(number) for number in first.values()} == {"TIMEOUT"}
        again.finish()
    finally:
        again.end()
    assert project.nouns("demo")["classified"] == local_run.nouns("demo")["classified"]
    for name, times in asked(project).items():
        assert times == (2 if "/classify_invalid/" in name else 1), name
    assert set(asked(project, "answered").values()) == {1}
    assert servers_of(project) == {}
