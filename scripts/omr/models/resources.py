"""What a job that starts a model's server asks of the machine or the cluster, from the model's entry in config."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from omr.models.model import ModelSpec
from omr.models.slurm_options import RESOURCES, slurm_options

#: All resources that a model can ask for.
NAMES = (
    *("gpu", "gpu_model", "nodes", "tasks", "mpi", "cpus_per_task", "mem_mb", "runtime", "slurm_extra"),
    *RESOURCES.values(),
)
#: Memory of a job beside its server: the client holds the requests in flight and an index of the journal.
CLIENT_MB = 8000
#: What a job without rows asks for, which only writes that it asked nothing: a profile says where such jobs go.
WITHOUT_ROWS: Mapping[str, int | str] = {"mem_mb": 2000, "runtime": 60}
#: What a server itself keeps busy, at most.
SERVER_CPUS_PER_GPU = 2
#: Slurm sends SIGTERM this many seconds before the time limit (up to a minute earlier): time to finish or give up
#: requests in flight and to stop the server, whatever the site has for KillWait. What was answered is in the journal.
WARNING_S = 60


class Lent(NamedTuple):
    """What a job lends to the code that its solutions run."""

    cores: int
    memory_gb: int


def job_resources(spec: ModelSpec, lent: Lent | None = None) -> dict[str, int | str]:
    """Resources of a rule, by name: minutes of run time, and per node memory in MB, GPUs and CPUs.

    A model without GPUs asks for what the client needs. CPUs are `cpus_per_task` and not `threads`: on one machine,
    jobs that only wait for their GPUs must not be counted out by its cores. Code runs on cores that the server leaves
    free: only where `cpus_per_gpu` leaves it none are there more.
    """
    client_mb = CLIENT_MB + (0 if lent is None else lent.memory_gb * 1000)
    cores = 0 if lent is None else lent.cores
    slurm = slurm_options(spec.slurm, f"`slurm` of the model {spec.name!r}")
    if spec.gpus == 0:
        few: dict[str, int | str] = {"nodes": 1, "mem_mb": client_mb, "runtime": spec.runtime_min} | slurm.resources
        few |= {"slurm_extra": " ".join(slurm.arguments)} if slurm.arguments else {}
        return few if lent is None else few | {"cpus_per_task": 1 + cores}
    resources: dict[str, int | str] = {
        "nodes": spec.nodes,
        "cpus_per_task": max(spec.cpus_per_gpu * spec.gpus, cores and cores + SERVER_CPUS_PER_GPU * spec.gpus),
        "mem_mb": client_mb + spec.mem_gb_per_gpu * spec.gpus * 1000,
        "runtime": spec.runtime_min,
    }
    resources |= slurm.resources | (_on_one_node(spec) if spec.nodes == 1 else _on_several_nodes(spec))
    return resources | {"slurm_extra": " ".join([str(resources["slurm_extra"]), *slurm.arguments])}


def _on_one_node(spec: ModelSpec) -> dict[str, int | str]:
    # `gpu` without `nodes: 1` would become `--gpus=8`, which Slurm may spread over nodes.
    asked: dict[str, int | str] = {"gpu": spec.gpus, "slurm_extra": f"--signal=TERM@{WARNING_S}"}
    return asked if spec.gpu_model is None else asked | {"gpu_model": spec.gpu_model}


def _on_several_nodes(spec: ModelSpec) -> dict[str, int | str]:
    # `mpi` keeps the job out of srun: the job itself runs in the batch shell of the first node and starts one server
    # process per node with srun. `gpu` would turn `tasks` into tasks per GPU, so the GPUs are asked for per node here.
    # No --signal: it would go to the server's processes, and not to the job that must be told first
    # (omr/asking/time_limit.py).
    gpus = str(spec.gpus) if spec.gpu_model is None else f"{spec.gpu_model}:{spec.gpus}"
    extra = f"--gpus-per-node={gpus} --ntasks-per-node=1"
    return {"mpi": "srun", "tasks": spec.nodes, "slurm_extra": extra}


def resources_of(
    model: Callable[[Any], ModelSpec],
    lent: Callable[[Any], Lent | None] = lambda wildcards: None,
    defaults: Mapping[str, Any] | None = None,
) -> dict[str, Callable[..., int | str | None]]:
    """Resources of a rule whose model, and what it lends to code, depend on its wildcards; None leaves one out.

    A job whose file of rows (`input.rows`) is there and empty asks nothing: it needs no model. Snakemake computes
    resources once more when all input of a job is made. `defaults` are its `default-resources`: a rule that names a
    resource loses the default of that name, also where it leaves the resource out, so it is looked up here.
    """

    def one(name: str) -> Callable[..., int | str | None]:
        def own(wildcards: Any, input: Any = None) -> int | str | None:
            needed = WITHOUT_ROWS if _is_without_rows(input) else job_resources(model(wildcards), lent(wildcards))
            return needed.get(name)

        default = (defaults or {}).get(name)
        return own if default is None else _or_default(own, default)

    return {name: one(name) for name in NAMES}


def _is_without_rows(given: Any) -> bool:
    """Whether a job's input has a file of rows that is there, and empty."""
    rows = getattr(given, "rows", None)
    if rows is None:
        return False
    try:
        return os.stat(rows).st_size == 0
    except OSError:  # not made yet
        return False


def _or_default(own: Callable[..., int | str | None], default: Any) -> Callable[..., int | str | None]:
    def value(wildcards: Any, **told: Any) -> int | str | None:
        asked = own(wildcards, told.get("input"))
        if asked is not None:
            return asked
        found: int | str | None = default.evaluate(wildcards, **told).value  # `8000 * attempt` for one
        return found

    return value
