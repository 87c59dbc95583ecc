"""Are the GPUs there that a server is to use, free, and driven by a driver that is new enough?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from omr.errors import UserError

_SWITCH = "or set `check_gpus: false` of the server under `servers:` if there are none to be seen here"


@dataclass(frozen=True)
class Gpu:
    """A GPU as nvidia-smi lists it: its number, its UUID, and the version of its driver."""

    index: str
    uuid: str
    driver: str


def check_gpus(wanted: int, min_driver: int, on_event: Callable[[str], None], environment: Mapping[str, str]) -> None:
    """Ask nvidia-smi on this node. Raises UserError if a server with `wanted` GPUs cannot start here; processes that
    use one of them already are only told to `on_event`, because their owner may be about to end them."""
    gpus = _visible([Gpu(*row) for row in _query("--query-gpu=index,uuid,driver_version", 3)], environment)
    if len(gpus) < wanted:
        raise UserError(
            f"{wanted} GPUs are wanted on this node, {len(gpus)} are there",
            remedy="check `gpus` of the model and the GPUs that the job asks for",
        )
    oldest = min((gpu.driver for gpu in gpus), key=_major, default="0")
    if _major(oldest) < min_driver:
        raise UserError(
            f"the GPU driver is {oldest}, but the server is built for CUDA 13 and needs {min_driver} or newer",
            remedy="use nodes with a newer driver, or a server built for this one (and set its `min_driver`)",
        )
    uuids = {gpu.uuid for gpu in gpus}
    for uuid, pid, memory in _query("--query-compute-apps=gpu_uuid,pid,used_memory", 3):
        if uuid in uuids:
            on_event(f"warning: process {pid} already holds {memory} of the GPU {uuid}: a leftover or another's job?")


def _query(what: str, columns: int) -> list[list[str]]:
    """Rows of a query of nvidia-smi. Raises UserError if it fails."""
    try:
        asked = subprocess.run(
            ["nvidia-smi", what, "--format=csv,noheader"], capture_output=True, text=True, timeout=120, check=True
        )
    except FileNotFoundError as error:
        raise UserError("there is no nvidia-smi on this node", remedy=f"run on a node with GPUs, {_SWITCH}") from error
    except (subprocess.SubprocessError, OSError) as error:
        output = getattr(error, "stdout", None) or getattr(error, "stderr", None) or str(error)
        what = f"nvidia-smi fails: {str(output).strip()[:300]}"
        raise UserError(what, remedy=f"have the node's GPUs looked at, {_SWITCH}") from error
    rows = [[cell.strip() for cell in line.split(",")] for line in asked.stdout.splitlines()]
    return [row for row in rows if len(row) == columns]


def _visible(gpus: list[Gpu], environment: Mapping[str, str]) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES leaves visible. Where Slurm confines a job, nvidia-smi lists no others."""
    names = environment.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return gpus
    visible = []
    for name in filter(None, (name.strip() for name in names.split(","))):
        found = [gpu for gpu in gpus if gpu.index == name or (name.startswith("GPU-") and gpu.uuid.startswith(name))]
        if name.startswith("MIG-"):  # a part of a GPU, of which nvidia-smi lists the whole
            found = [Gpu(name, name, gpu.driver) for gpu in gpus[:1]]
        if not found:
            break  # as CUDA does: an unknown device ends the list
        visible += found
    return visible


def _major(driver: str) -> int:
    head = driver.partition(".")[0]
    return int(head) if head.isdecimal() else 0
