"""`snakemake --profile slurm` on a real Slurm: what jobs ask for; what cancelling, time limits, queues and loss cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from slurm.conftest import with_layer
from slurm.slurm_lab import Cluster, Run, Stage, Submitted, asked, nothing_is_left, processes_of, until
from workflow.projects import Project

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]
CLASSIFIED = "results/demo/classified.jsonl"
SHARDS = ("000", "001")
#: What is made through Slurm: one recipe of each kind of solution, and all that they need.
PRODUCTS = [
    f"results/demo/{recipe}/{name}"
    for recipe in ("cot-r1", "tir-openmath")
    for name in ("dataset", "sft.jsonl", "stages.txt", "report.html")
]
#: Rules that ask a model.
ASKING = {
    "extract_problems",
    "classify_problems",
    "extract_answers",
    "convert_proofs",
    "classify_converted",
    "check_contamination",
    "extract_planted_problems",
    "extract_planted_answers",
    "generate_solutions",
    "match_answers",
    "judge_answers",
    "judge_code",
    "generate_summaries",
    "judge_summaries",
}
THREADS = {
    "prepare_raw_data": 16,
    "fill_majority_answer": 4,
    "select_judgements": 4,
    "select_summary_judgements": 4,
}
MODEL = {"server": "replay", "gpus": 2, "cpus_per_gpu": 3, "mem_gb_per_gpu": 10, "runtime_min": 30}
MODELS = ("authored-replies", "authored-solutions-a", "authored-solutions-b", "authored-solutions-with-code")
#: Requests that get no answer the first time or the first two times: jobs stand still there until something happens.
HANGS = {"classify_binary": 1, "classify_invalid": 2}


def served(project: Project, **model: Any) -> tuple[str, ...]:
    """Arguments for models that take GPUs; `model` is more for the one that labels."""
    config = project.overlay(
        "gpus.yaml", {"models": dict.fromkeys(MODELS, MODEL) | {"authored-replies": MODEL | model}}
    )
    return "--configfile", "config/demo.yaml", config


def hanging(project: Project, hangs: dict[str, int]) -> tuple[str, ...]:
    """The same with a server that leaves some requests without an answer, and counts all."""
    faults = [{"match": f"*/{prompt}/0", "kind": "hang", "times": times} for prompt, times in hangs.items()]
    project.path("faults.yaml").write_bytes(orjson.dumps(faults))
    arguments = ["--faults", "faults.yaml", "--count-file", "asked.jsonl"]
    return served(project, args=arguments, concurrency=64)


def replies_without(project: Project, shard: str, *prompts: str) -> int:
    """How many replies a shard of the classification has by all prompts but these."""
    path = project.path(f"results/demo/replies/classify_problems/shard-{shard}-of-002.jsonl")
    return sum(orjson.loads(line)["prompt"] not in prompts for line in path.read_bytes().splitlines())


def made_by(project: Project, names: Iterable[str]) -> dict[str, Any]:
    """All rows and datasets among these files; of replies all but their order and how long things took."""
    rows = dict[str, Any]()
    for name in sorted(names):
        path = project.path(name)
        if path.suffix == ".jsonl" and {"replies", "solutions"} & set(Path(name).parts):
            replies = [untimed(orjson.loads(line)) for line in path.read_bytes().splitlines()]
            rows[name] = sorted(replies, key=lambda reply: reply["key"])
        elif path.suffix in (".jsonl", ".parquet"):
            rows[name] = path.read_bytes()
    return rows


def untimed(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply without how long the model and its code took."""
    return reply | {"latency_s": None, "code_cpu_s": None}


def rules_beside_snakemake(project: Project) -> set[str]:
    """Rules that are no jobs of Slurm's."""
    texts = (path.read_text() for path in project.path("rules").glob("*.smk"))
    bodies = [body for text in texts for body in re.findall(r"^rule (\w+):\n((?:[ \n].*\n?)*)", text, re.MULTILINE)]
    return {name for name, body in bodies if "    localrule: True\n" in body}


def lines_of(project: Project, table: str) -> set[tuple[str, ...]]:
    """A table of stages, line by line, however wide its columns are."""
    return {tuple(line.split()) for line in project.path(table).read_text().splitlines()}


def files_of(project: Project) -> set[str]:
    """What the run made."""
    return {str(path.relative_to(project.folder)) for path in project.path("results/demo").rglob("*") if path.is_file()}


def gpus_of_servers(project: Project) -> list[int]:
    """How many GPUs each model server of the project's jobs sees."""
    servers = [pid for pid, command in processes_of(project).items() if re.match(r"\S+ \S+/replay_server\.py", command)]
    variables = [Path(f"/proc/{pid}/environ").read_text().split("\0") for pid in servers]
    devices = [dict(entry.split("=", 1) for entry in entries if "=" in entry) for entries in variables]
    return [len(environment["CUDA_VISIBLE_DEVICES"].split(",")) for environment in devices]


def asks_nothing(project: Project, job: Submitted) -> bool:
    """Whether a job of a model stage has a file of rows without any."""
    recipe = re.search(r"\brecipe=([\w-]+)", job.arguments)
    if recipe is None:
        return False
    counts = project.path(f"results/demo/{recipe[1]}/counts/{job.rule}").glob(f"shard-{job.shard}-of-*.json")
    return [orjson.loads(path.read_bytes())["requests"] for path in counts] == [0]


def check_options(job: Submitted, *wanted: str) -> None:
    for option in wanted:
        assert f" {option} " in f"{job.options} ", job


def test_the_demo_ends_in_the_same_rows_and_its_jobs_ask_for_what_config_says(
    fresh: Project, local_run: Project, cluster: Cluster
) -> None:
    before = len(cluster.jobs())
    arguments = (*PRODUCTS, *served(fresh))
    planned = fresh.make("--dry-run", "--profile", "slurm", *arguments, **cluster.environment)
    beside = rules_beside_snakemake(fresh)
    wanted = Counter(rule for rule in re.findall(r"^rule (\w+):", planned, re.MULTILINE) if rule not in beside)
    Run(fresh, cluster, *arguments).finish()

    files = files_of(fresh)
    made, local = made_by(fresh, files), made_by(local_run, files & files_of(local_run))
    assert {f"results/demo/{name}" for name in ("decontaminated.jsonl", "cot-r1/sft.jsonl")} < set(made)
    assert set(made) == set(local)
    assert [name for name in local if made[name] != local[name]] == []
    for table in (name for name in PRODUCTS if name.endswith("stages.txt")):
        # The local run made products of the other recipes too, for which there are more stages.
        assert lines_of(fresh, table) <= lines_of(local_run, table)

    jobs = cluster.jobs()[before:]
    assert Counter(job.rule for job in jobs) == wanted
    assert {job.rule for job in jobs} > ASKING
    without_rows = Counter[str]()
    for job in jobs:
        check_options(job, "--requeue")
        if job.rule not in ASKING:
            assert not re.search("gpu[s=:]", job.options.replace(" -p gpu ", " "))
            check_options(job, "--mem 8000", "-t 120", f"--cpus-per-task={THREADS.get(job.rule, 1)}")
            continue
        if asks_nothing(fresh, job):
            assert not re.search("gpu[s=:]", job.options.replace(" -p gpu ", " "))
            check_options(job, "--mem 2000", "-t 60", "--cpus-per-task=1")
            without_rows[job.rule] += 1
            continue
        check_options(job, "--gpus=2", "--nodes=1", "-t 30", "--cpus-per-task=6")
        # The code of solutions has memory of its own, and cores that the server leaves free.
        runs_code = job.rule == "generate_solutions" and "recipe=tir-openmath" in job.arguments
        check_options(job, f"--mem {32000 if runs_code else 28000}")
    assert without_rows["match_answers"] > 0
    nothing_is_left(fresh)


def test_cancelled_out_of_time_requeued_and_off_a_lost_node_the_run_asks_nothing_twice(
    unclassified: Project, local_run: Project, cluster: Cluster
) -> None:
    project, stage = unclassified, Stage(cluster, unclassified, "classify_problems")
    run = Run(with_layer(project), cluster, CLASSIFIED, *hanging(project, HANGS))
    try:
        asked_first = {shard: replies_without(local_run, shard, *HANGS) for shard in SHARDS}
        first = {shard: stage.wait_for_job(shard, asked_first[shard]) for shard in SHARDS}
        for number in first.values():
            job = cluster.job(number)
            assert job["JobState"] == "RUNNING"
            assert (job["NumNodes"], job["NumCPUs"], job["TimeLimit"]) == ("1", "6", "00:30:00")
            assert (job["TresPerJob"], job["MinMemoryNode"]) == ("gres:gpu:2", "28000M")
        assert gpus_of_servers(project) == [2, 2]

        # What is edited now is for the next run: these jobs' retries would ask anew at another temperature.
        config = project.path("config/config.yaml")
        config.write_text(config.read_text().replace("temperature: 0.0", "temperature: 0.5"))
        # One is cancelled; the other nears its time limit, of which Slurm warns it.
        cluster.ask("scancel", first["000"])
        cluster.end_soon(first["001"])
        asked_next = {shard: replies_without(local_run, shard, "classify_invalid") for shard in SHARDS}
        second = {shard: stage.wait_for_job(shard, asked_next[shard], first[shard]) for shard in SHARDS}
        assert [cluster.state(first[shard]) for shard in SHARDS] == ["CANCELLED", "FAILED"]
        assert "told to stop" in run.said

        # Slurm takes one of them back into its queue, as it does with jobs that are preempted. The daemon of the
        # other's node dies, but not the job, and Slurm starts it again on the other node; there it waits until its
        # node is back and Slurm has it kill what is left there.
        cluster.ask("scontrol", "requeue", second["000"])
        until(lambda: "told to stop" in stage.log("000"), "told to stop by the requeue")
        until(lambda: cluster.state(second["000"]) == "PENDING", "requeued")
        node = cluster.job(second["001"])["NodeList"]
        cluster.lose_node(node)
        for number in second.values():
            until(lambda number=number: cluster.job(number)["Restarts"] == "1", "requeued")
            # Slurm holds a requeued job back for two minutes.
            cluster.ask("scontrol", "update", f"JobId={number}", "StartTime=now")
        until(lambda: "waiting for the lock" in stage.log("001"), "waiting for the lock")
        cluster.bring_back(node)
        run.finish()
    finally:
        run.end()
    assert project.path(CLASSIFIED).read_bytes() == local_run.path(CLASSIFIED).read_bytes()
    assert {stage.latest(shard).number for shard in SHARDS} == set(second.values())  # type: ignore[union-attr]
    for name, times in asked(project).items():
        # Further tries have another number, and are answered.
        assert times == 1 + (HANGS.get(name.split("/")[2], 0) if name.endswith("/0") else 0), name
    assert set(asked(project, "answered").values()) == {1}
    nothing_is_left(project)


def test_snakemake_killed_and_started_again_queues_behind_its_own_jobs_and_runs_nothing_twice(
    unclassified: Project, local_run: Project, cluster: Cluster
) -> None:
    project, stage = with_layer(unclassified), Stage(cluster, unclassified, "classify_problems")
    config = hanging(project, {"classify_invalid": 1})
    killed = Run(project, cluster, CLASSIFIED, *config)
    try:
        asked_first = {shard: replies_without(local_run, shard, "classify_invalid") for shard in SHARDS}
        first = {shard: stage.wait_for_job(shard, asked_first[shard]) for shard in SHARDS}
    finally:
        killed.end()
    project.make("--unlock")
    again = Run(project, cluster, CLASSIFIED, *config)
    try:
        second = {}
        for shard in SHARDS:
            until(lambda shard=shard: stage.latest(shard, first[shard]) is not None, "a twin")
            second[shard] = stage.latest(shard, first[shard]).number  # type: ignore[union-attr]
            until(lambda shard=shard: f"Slurm job {first[shard]}" in stage.log(shard), "waiting for the lock")
        # They give their GPUs back.
        for shard in SHARDS:
            until(lambda shard=shard: cluster.job(second[shard])["Reason"] == "Dependency", "waiting in the queue")
            job = cluster.job(second[shard])
            assert job["Dependency"].startswith(f"afterany:{first[shard]}")
            nothing_is_left(project, second[shard])
        running = cluster.ask("squeue", "--noheader", "--states=RUNNING", "--format=%i").split()
        assert sorted(running) == sorted(first.values())
        cluster.ask("scancel", *first.values())
        for shard in SHARDS:
            until(lambda shard=shard: cluster.job(second[shard])["Dependency"] == "(null)", "its turn")
            # Slurm holds a requeued job back for two minutes.
            cluster.ask("scontrol", "update", f"JobId={second[shard]}", "StartTime=now")
        again.finish()
    finally:
        again.end()
    assert {cluster.state(number) for number in first.values()} == {"CANCELLED"}
    assert {stage.latest(shard).number for shard in SHARDS} == set(second.values())  # type: ignore[union-attr]
    assert project.path(CLASSIFIED).read_bytes() == local_run.path(CLASSIFIED).read_bytes()
    for name, times in asked(project).items():
        assert times == (2 if name.endswith("/classify_invalid/0") else 1), name
    assert set(asked(project, "answered").values()) == {1}
    nothing_is_left(project)
