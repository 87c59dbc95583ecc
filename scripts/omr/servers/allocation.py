"""The nodes of the Slurm job that this process runs in, and the command that starts a process on each.

Snakemake's job step removes the SLURM_ variables but the job's number, so the nodes are asked for. The rule must have
the resources `mpi="srun", nodes=N, tasks=N`: then this process runs in the batch shell of the first node, and srun may
use the whole allocation.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import NamedTuple

from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.launch import ServerKind
from omr.servers.sites import ServerSite


class Allocation(NamedTuple):
    """Names of the nodes, in Slurm's order, and the addresses at which they reach each other."""

    nodes: tuple[str, ...]
    addresses: tuple[str, ...]


def allocated_nodes(spec: ModelSpec) -> Allocation:
    """The nodes for a model that needs several. Raises UserError if this job does not have just as many."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        raise UserError(
            f"the model {spec.name!r} needs {spec.nodes} nodes, but this is no Slurm job",
            remedy="run with the slurm profile, or choose a model that fits on one node",
        )
    listed = slurm_output("squeue", "--noheader", f"--jobs={job}", "--format=%N")
    nodes = tuple(slurm_output("scontrol", "show", "hostnames", listed).split())
    if len(nodes) != spec.nodes:
        raise UserError(
            f"the model {spec.name!r} needs {spec.nodes} nodes, but job {job} has {len(nodes)} ({listed})",
            remedy="the rule's resources and `nodes` of the model must agree",
        )
    return Allocation(nodes, tuple(_address(node) for node in nodes))


def srun_command(kind: ServerKind, spec: ModelSpec, site: ServerSite) -> list[str]:
    """The part of the command before what each task runs; with `--` at its end."""
    tasks = kind.tasks_per_node(spec)
    command = ["srun", f"--nodes={spec.nodes}", f"--ntasks={spec.nodes * tasks}", f"--ntasks-per-node={tasks}"]
    if spec.gpus:
        command.append(f"--gpus-per-node={spec.gpus}")
    # One dead node ends all; a step binds its tasks to one core each unless told otherwise.
    command += ["--kill-on-bad-exit=1", "--cpu-bind=none", "--export=ALL", "--label", f"--mpi={kind.mpi(site)}"]
    return [*command, f"--job-name={_step_name()}", *site.srun_args, "--"]


def _step_name() -> str:
    return f"model-server-{os.getpid()}"


def cancel_left_steps() -> None:
    """Cancel what this process started with srun and is still there: a step outlives an srun that was killed.

    Raises UserError if Slurm does not answer.
    """
    steps = slurm_output("squeue", "--noheader", "--steps", f"--jobs={os.environ['SLURM_JOB_ID']}", "--format=%i %j")
    left = [words[0] for words in map(str.split, steps.splitlines()) if words[1:] == [_step_name()]]
    if left:
        slurm_output("scancel", "--signal=KILL", *left)


def _address(node: str) -> str:
    """A node's NodeAddr, which need not be its name."""
    found = re.search(r"\bNodeAddr=(\S+)", slurm_output("scontrol", "show", "node", "--oneliner", node))
    return found.group(1) if found else node


def slurm_output(*command: str, timeout_s: float = 120) -> str:
    """What one of Slurm's commands prints. Raises UserError if it fails or takes too long."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        stderr = getattr(error, "stderr", None) or str(error)
        raise UserError(
            f"`{' '.join(command)}` fails: {str(stderr).strip()[:300]}", remedy="is Slurm in order on this node?"
        ) from error
