"""What a site's Slurm is told of jobs beside their sizes: once for all jobs with GPUs, and per model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from omr.config.check import check_config
from omr.config.files import merge, read_config
from omr.errors import UserError
from omr.models.model import model_spec
from omr.models.resources import NAMES, job_resources, resources_of
from omr.models.slurm_options import slurm_options

ROOT = Path(__file__).resolve().parents[3]
BASE = [ROOT / "config" / name for name in ("config.yaml", "models.yaml", "benchmarks.yaml")]


def asked(of_all: dict[str, Any], of_model: dict[str, Any], **model: Any) -> dict[str, int | str]:
    entry = {"path": "p", "server": "vllm", "gpus": 2, "slurm": of_model} | model
    return job_resources(model_spec({"slurm": of_all, "models": {"m": entry}}, "m"))


def test_a_model_asks_what_all_jobs_with_gpus_do_but_for_what_it_says_itself() -> None:
    resources = asked({"partition": "gpu", "account": "team"}, {"partition": "long", "qos": "high"})
    named = {name: resources.get(name) for name in ("slurm_partition", "slurm_account", "qos", "constraint")}
    assert named == {"slurm_partition": "long", "slurm_account": "team", "qos": "high", "constraint": None}


def test_null_leaves_the_word_to_the_profile() -> None:
    assert "slurm_partition" not in asked({"partition": "gpu"}, {"partition": None})


def test_a_model_without_gpus_is_none_of_the_jobs_with_gpus() -> None:
    hosted = {"server": "endpoint", "base_url": "http://x/v1", "gpus": 0}
    assert asked({"partition": "gpu", "extra": ["--nice"]}, {}, **hosted) == {
        "nodes": 1,
        "mem_mb": 8000,
        "runtime": 720,
    }
    own = asked({"partition": "gpu"}, {"partition": "net", "extra": ["--nice"]}, **hosted)
    assert (own["slurm_partition"], own["slurm_extra"]) == ("net", "--nice")


@pytest.mark.parametrize(
    ("nodes", "own"), [(1, ["--signal=TERM@60"]), (2, ["--gpus-per-node=2", "--ntasks-per-node=1"])]
)
def test_further_options_stand_behind_what_the_workflow_needs_and_mean_to_a_shell_what_is_written(
    nodes: int, own: list[str]
) -> None:
    extra = ["--exclude=node[7-9]", "--mail-user=it's $HOME", "--exclusive"]
    resources = asked({"reservation": "week 48; rm -r ~"}, {"extra": extra}, nodes=nodes)
    assert shlex.split(str(resources["slurm_extra"])) == [*own, "--reservation=week 48; rm -r ~", *extra]


@pytest.mark.parametrize(
    "option",
    ["--partition=x", "--part=x", "--signal=USR1@30", "--gpus=1", "--gres=gpu:1", "--mem", "--nodes=2", "--wrap=id"]
    + ["-p x", "x", "", "--", "--mail-type FAIL", "--a=\nb", "--no-requeue", "--export=NONE", "--reservation=x"],
)
def test_options_that_would_be_lost_or_undo_the_workflows_own_are_refused(option: str) -> None:
    with pytest.raises(UserError, match="`slurm`"):
        slurm_options({"extra": [option]}, "`slurm`")


@pytest.mark.parametrize("option", ["--nodelist=a", "--exclusive=user", "--time-min=5", "--licenses=x:1", "--nice=10"])
def test_options_that_only_begin_like_refused_ones_pass(option: str) -> None:
    assert slurm_options({"extra": [option]}, "`slurm`").arguments == [option]


@pytest.mark.parametrize("value", ["--x", "-p", "a b", "", 12, "a\nb"])
@pytest.mark.parametrize("key", ["partition", "account", "qos", "constraint", "reservation"])
def test_names_that_slurm_cannot_take_are_refused_when_the_run_starts(key: str, value: Any) -> None:
    config = merge(read_config(BASE), {"slurm": {key: value}})
    with pytest.raises(UserError, match=rf"slurm\.{key}"):
        check_config(config, ROOT / "config/schema.yaml")


def test_several_partitions_a_constraint_and_a_number_in_quotes_are_names() -> None:
    said = {"partition": "gpu,gpu-long", "constraint": "[rack1|rack2]*2&h100", "account": "0123"}
    check_config(merge(read_config(BASE), {"slurm": said}), ROOT / "config/schema.yaml")


class Default:
    """As Snakemake's: computed for each job."""

    def __init__(self, value: str) -> None:
        self.value = value

    def evaluate(self, wildcards: Any, *, attempt: int) -> Default:
        return Default(f"{self.value}-{attempt}")


def test_a_default_of_the_profile_holds_where_a_model_says_nothing() -> None:
    spec = model_spec({"models": {"m": {"path": "p", "server": "vllm", "gpus": 1, "slurm": {"qos": "high"}}}}, "m")
    defaults = {"slurm_partition": Default("cpu"), "qos": Default("low"), "mem_mb": Default("1")}
    functions = resources_of(lambda wildcards: spec, defaults=defaults)
    asked = {name: functions[name](None, attempt=2) for name in defaults}
    assert asked == {"slurm_partition": "cpu-2", "qos": "high", "mem_mb": job_resources(spec)["mem_mb"]}
    assert set(functions) == set(NAMES)
