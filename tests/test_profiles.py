"""The profiles without a cluster: what they say, what they plan, and that one machine's GPUs are not promised twice."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from omr.config.check import check_config
from omr.config.files import merge, read_config
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.runs.counts import PROBLEM_STAGES
from omr.stages.shards import shard_of
from workflow.projects import ROOT, Project, clean_environment, copy_project

#: Folder of solutions of a model on one node, and of one on two -> number of shards.
SOLUTIONS = {"cot-qwq/solutions/seed-00/shard": "04", "cot-r1/solutions/seed-00/shard": "12"}
BASE = [ROOT / "config" / name for name in ("config.yaml", "models.yaml", "benchmarks.yaml")]
pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("profiles")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return copy_project(tmp_path / "project")


def run(project: Project, *arguments: str) -> str:
    """Snakemake with these arguments and no others."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    done = subprocess.run(
        command, cwd=project.folder, env=clean_environment(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


def slurm_profile() -> dict[str, Any]:
    profile: dict[str, Any] = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    return profile


def resources(said: str, rule: str, recipe: str = "") -> dict[str, str]:
    """The resources of the first job of a rule (and recipe) in a dry run's output."""
    of = rf"    wildcards: .*recipe={recipe}.*\n(?:.+\n)*?" if recipe else ""
    line = re.search(rf"^rule {rule}:\n(?:.+\n)*?{of}    resources: (.*)$", said, re.M)
    assert line is not None, said[-3000:]
    return dict(item.split("=", 1) for item in line[1].split(", "))


def test_the_settings_that_make_slurm_runs_hang_or_lose_files_are_not_there() -> None:
    profile = slurm_profile()
    assert {"cores", "slurm-array-jobs", "keep-incomplete"}.isdisjoint(profile)
    assert profile["slurm-status-command"] == "squeue"
    assert not (ROOT / "profiles/default").exists()
    for path in (ROOT / "rules").glob("*.smk"):
        # None at all is the same within a job and outside.
        assert not re.search(r"^ +retries: (?!0$)", path.read_text(), re.M), path


def test_one_node_and_two_node_models_are_planned_by_the_literal_command(project: Project) -> None:
    solutions = [f"results/full/{name}-000-of-0{n}.jsonl" for name, n in SOLUTIONS.items()]
    said = run(project, "--profile", "slurm", "-n", "--", solutions[0])
    one = resources(said, "generate_solutions")
    assert {"gpu": "8", "nodes": "1", "mem_mb": "488000", "runtime": "1440"}.items() <= one.items()
    assert "mpi" not in one
    labelling = resources(said, "extract_problems")
    assert {"gpu": "8", "nodes": "1"}.items() <= labelling.items()

    two = resources(run(project, "--profile", "slurm", "-n", "--", solutions[1]), "generate_solutions", "cot-r1")
    assert {"nodes": "2", "tasks": "2", "mpi": "srun", "cpus_per_task": "64"}.items() <= two.items()
    assert two["slurm_extra"] == "--gpus-per-node=8 --ntasks-per-node=1"
    assert "gpu" not in two


def test_on_one_machine_jobs_that_want_the_same_gpus_run_one_after_the_other(project: Project) -> None:
    # The profile names eight GPUs: two such jobs do not fit.
    model = {
        "server": "replay",
        "gpus": 5,
        "args": ["--latency-s", "0.2", "--count-file", "asked.jsonl"],
        "concurrency": 4,
    }
    config = project.overlay("gpus.yaml", {"models": {"authored-replies": model}})
    demo = ("--configfile", "config/demo.yaml", config, "--", "results/demo/problems.jsonl")
    run(project, "--profile", "profiles/local", "--cores", "4", *demo)
    events = [orjson.loads(line) for line in project.path("asked.jsonl").read_bytes().splitlines()]
    shards = [shard_of(event["id"].split("/")[1], 2) for event in events]
    assert len([shard for shard, _ in groupby(shards)]) == 2


def example(name: str) -> dict[str, Any]:
    """A YAML block of the guide for a cluster, by a word that only it has."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "profiles/README.md").read_text(), re.DOTALL)
    (found,) = (yaml.safe_load(textwrap.dedent(block)) for block in blocks if name in block)
    return dict(found)


def test_the_overlay_that_the_guide_shows_is_valid() -> None:
    config = merge(read_config(BASE), example("model_folder"))
    check_config(config, ROOT / "config/schema.yaml")
    assert Settings(config).model("extract_problems").server == "vllm"


def test_with_the_files_that_the_guide_shows_every_job_with_gpus_goes_where_gpus_are_and_no_other(
    project: Project,
) -> None:
    shown = example("default-resources")
    assert shown["default-resources"].items() >= slurm_profile()["default-resources"].items()
    site = project.path("my-cluster")
    site.mkdir()
    (site / "config.yaml").write_text(yaml.safe_dump(shown))
    # A model at an endpoint is asked from where the CPU jobs are.
    hosted = {"server": "endpoint", "path": "x", "base_url": "http://127.0.0.1:9/v1"}
    more = {"models": {"hosted": hosted}, "recipes": {"cot-qwq": {"judge": {"model": "hosted"}}}}
    overlay = project.overlay("my-site.yaml", merge(example("model_folder"), more))
    said = run(project, "--profile", "slurm", "--profile", str(site), "--configfile", overlay, "-n")
    where = dict[tuple[str, bool], set[str]]()
    for job in re.split(r"\n\n|\n(?=\[)", said):
        rule = re.search(r"^rule (\w+):", job, re.M)
        if rule is not None and " resources: " in job and rule[1] not in local_rules(said):
            asked = dict(item.split("=", 1) for item in job.split(" resources: ")[1].split("\n")[0].split(", "))
            has_gpus = "gpu" in asked or "--gpus-per-node" in asked.get("slurm_extra", "")
            where.setdefault((rule[1], has_gpus), set()).add(asked["slurm_partition"])
    assert {name for name, has_gpus in where if has_gpus} >= {
        *PROBLEM_STAGES,
        "search_embeddings",
        "generate_solutions",
    }
    assert all(found == ({"gpu"} if has_gpus else {"cpu"}) for (_, has_gpus), found in where.items()), where
    assert where["judge_answers", False] == {"cpu"}


def local_rules(said: str) -> set[str]:
    return set(re.findall(r"^localrule (\w+):", said, re.M))


def test_a_first_run_on_a_cluster_asks_models_in_as_few_jobs_as_the_guide_says() -> None:
    config = merge(read_config(BASE), read_config([ROOT / "config/try.yaml"]))
    settings = Settings(config)
    recipes = Recipes(settings)
    jobs = sum(len(settings.shards(stage)) for stage in settings.asking_stages)
    jobs += sum(
        len(recipes.reply_folders(recipe, stage)) * len(recipes.shards(recipe))
        for recipe in recipes.to_run
        for stage in recipes.model_stages(recipe)
    )
    assert f"config/try.yaml my-site.yaml`, {jobs} jobs" in (ROOT / "profiles/README.md").read_text()
