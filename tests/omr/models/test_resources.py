"""What a job asks a cluster for, from its model's entry in config."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omr.models.model import ModelSpec
from omr.models.resources import NAMES, SERVER_CPUS_PER_GPU, Lent, job_resources, resources_of


def spec(**fields: Any) -> ModelSpec:
    return ModelSpec(name="m", path="p", **({"server": "vllm"} | fields))


def test_a_server_on_one_node_gets_its_gpus_there_and_a_warning_before_its_time_is_over() -> None:
    asked = job_resources(spec(gpus=4, cpus_per_gpu=6, mem_gb_per_gpu=50, runtime_min=30))
    assert asked == {
        "gpu": 4,
        "nodes": 1,
        "cpus_per_task": 24,
        "mem_mb": 208_000,
        "runtime": 30,
        "slurm_extra": "--signal=TERM@60",
    }


def test_a_server_on_two_nodes_gets_one_task_and_all_gpus_on_each() -> None:
    asked = job_resources(spec(server="sglang", gpus=8, nodes=2, cpus_per_gpu=8, mem_gb_per_gpu=60))
    assert {name: asked[name] for name in ("nodes", "tasks", "mpi")} == {"nodes": 2, "tasks": 2, "mpi": "srun"}
    assert asked["slurm_extra"] == "--gpus-per-node=8 --ntasks-per-node=1"
    assert asked["cpus_per_task"] == 64
    # With it, `tasks` would become tasks per GPU.
    assert "gpu" not in asked


def test_the_kind_of_gpus_is_asked_for_on_one_node_and_on_several() -> None:
    assert job_resources(spec(gpus=4, gpu_model="h100"))["gpu_model"] == "h100"
    several = job_resources(spec(gpus=8, nodes=2, gpu_model="h100"))
    assert several["slurm_extra"] == "--gpus-per-node=h100:8 --ntasks-per-node=1"
    assert "gpu_model" not in several


@pytest.mark.parametrize("server", ["endpoint", "replay"])
def test_a_model_without_gpus_asks_for_no_gpu_whatever_its_server(server: str) -> None:
    assert job_resources(spec(server=server)) == {"nodes": 1, "mem_mb": 8000, "runtime": 720}


@pytest.mark.parametrize("gpu_model", [None, "h100"])
@pytest.mark.parametrize("nodes", [1, 2])
def test_all_resources_that_a_model_can_ask_for_are_passed_on_to_rules(nodes: int, gpu_model: str | None) -> None:
    slurm = {"partition": "a", "account": "b", "qos": "c", "constraint": "d"}
    model = spec(gpus=8, nodes=nodes, gpu_model=gpu_model, slurm=slurm)
    passed = {name: value(None) for name, value in resources_of(lambda wildcards: model).items()}
    assert {name: value for name, value in passed.items() if value is not None} == job_resources(model)
    assert set(passed) == set(NAMES)


def test_code_runs_on_cores_that_the_server_leaves_free() -> None:
    lent = Lent(cores=8, memory_gb=16)
    large = ModelSpec("m", "p", "vllm", gpus=8, cpus_per_gpu=8)
    assert job_resources(large, lent)["cpus_per_task"] == job_resources(large)["cpus_per_task"] == 64
    bare = ModelSpec("m", "p", "vllm", gpus=8, cpus_per_gpu=1)
    assert job_resources(bare, lent)["cpus_per_task"] == 8 + 8 * SERVER_CPUS_PER_GPU
    hosted = ModelSpec("m", "p", "endpoint", base_url="http://x")
    assert job_resources(hosted, lent)["cpus_per_task"] == 9
    for spec in (large, bare, hosted):
        assert int(job_resources(spec, lent)["mem_mb"]) - int(job_resources(spec)["mem_mb"]) == 16_000


class Default:
    """As Snakemake's of a profile: computed for each job."""

    def __init__(self, value: int | str) -> None:
        self.value = value

    def evaluate(self, wildcards: Any, *, input: Any, attempt: int) -> Default:
        return Default(self.value * attempt if isinstance(self.value, int) else self.value)


def asked_for(rows: Path | None, model: ModelSpec) -> dict[str, Any]:
    defaults = {"mem_mb": Default(4000), "slurm_partition": Default("cpu")}
    given = SimpleNamespace() if rows is None else SimpleNamespace(rows=str(rows))
    values = {}
    for name, value in resources_of(lambda wildcards: model, defaults=defaults).items():
        told = {"attempt": 2} if name in defaults else {}
        values[name] = value(None, input=given, **told)
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_job_whose_file_of_rows_is_empty_asks_for_little_and_goes_where_the_profile_says(
    nodes: int, tmp_path: Path
) -> None:
    model = spec(gpus=8, nodes=nodes, slurm={"partition": "gpu", "qos": "high", "extra": ["--exclusive"]})
    rows = tmp_path / "rows.jsonl"
    # Not made yet: it may have rows.
    assert asked_for(rows, model) == job_resources(model)
    rows.touch()
    assert asked_for(rows, model) == {"mem_mb": 2000, "runtime": 60, "slurm_partition": "cpu"}
    rows.write_text("{}\n")
    assert asked_for(rows, model) == job_resources(model)


SNAKEFILE = """
from omr.models.model import ModelSpec
from omr.models.resources import resources_of

rule ask:
    input:
        rows="rows.jsonl",
    output:
        "asked.txt",
    resources:
        **resources_of(
            lambda wildcards: ModelSpec("m", "p", server="vllm", gpus=8),
            defaults=workflow.resource_settings.default_resources,
        ),
    run:
        with open(output[0], "w") as asked:
            print(resources.get("gpu", 0), resources.mem_mb, file=asked)

rule make_rows:
    output:
        "rows.jsonl",
    params:
        size=config["size"],
    shell:
        "head -c {params.size} /dev/zero > {output}"
"""


def test_resources_go_by_the_rows_that_a_run_has_made_and_not_by_those_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3] / "scripts"))
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    asked = []
    for size, is_planned_with_gpus in ((0, True), (1, False), (0, True)):  # a plan goes by what is there
        run = [*command, "--config", f"size={size}"]
        planned = subprocess.run([*run, "-n"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        assert ("gpu=8" in planned) is is_planned_with_gpus
        subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
        asked.append((tmp_path / "asked.txt").read_text())
    assert asked == ["0 2000\n", f"8 {job_resources(spec(gpus=8))['mem_mb']}\n", "0 2000\n"]


def test_a_job_that_reads_no_rows_asks_for_what_its_model_needs() -> None:
    assert asked_for(None, spec(gpus=2, slurm={"partition": "gpu"})) == job_resources(
        spec(gpus=2, slurm={"partition": "gpu"})
    )
