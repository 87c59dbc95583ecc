"""What it takes to start a model server: the interface that each server's module fills in, and what all share."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.load import LoadMetrics
from omr.servers.sites import ServerSite

_SCRIPTS = Path(__file__).resolve().parents[2]
#: Snakemake sets these to a rule's `threads`; a server has its own view of how many threads it wants.
_THREAD_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
#: No server that a job starts needs a secret, and some would ask their clients for it (VLLM_API_KEY).
_SECRETS = ("_API_KEY", "_TOKEN", "_SECRET", "_SECRET_KEY", "_PASSWORD", "_ACCESS_KEY")
#: The servers' compile caches; on a network file system they are slow and have been seen to break.
_CACHES = {
    "VLLM_CACHE_ROOT": "vllm",
    "TRITON_CACHE_DIR": "triton",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "FLASHINFER_WORKSPACE_BASE": "flashinfer",
    "CUDA_CACHE_PATH": "cuda",
}


class Launch(NamedTuple):
    """One start of a server, as seen by the node of rank `rank`.

    `port` is for HTTP, `inner_port` for the server's own processes, `meeting_port` for the nodes to meet at `head`
    (with several nodes only); `scratch` is a folder for small files that the server reads.
    """

    spec: ModelSpec
    site: ServerSite
    port: int
    inner_port: int
    scratch: Path
    host: str = "127.0.0.1"  # the client runs on the head node: nobody else needs to reach the server
    rank: int = 0
    head: str = "127.0.0.1"
    meeting_port: int = 0


class Sizes(NamedTuple):
    """Over how many GPUs a model is spread: tensor, pipeline, expert and data parallel sizes."""

    tensor: int
    pipeline: int
    expert: int
    data: int


def parallel_sizes(spec: ModelSpec) -> Sizes:
    """The sizes of a model; the tensor parallel size defaults to what fills all GPUs. Raises UserError for a misfit."""
    gpus = spec.gpus * spec.nodes
    others = spec.pipeline_parallel_size * spec.data_parallel_size
    tensor = spec.tensor_parallel_size or max(1, gpus // others)
    # Data parallel attention (an argument of SGLang) shares the GPUs of the tensor parallel group: not counted here.
    if gpus and tensor * spec.pipeline_parallel_size > gpus:
        raise UserError(
            f"the model {spec.name!r} wants tensor x pipeline parallel size {tensor} x {spec.pipeline_parallel_size}, "
            f"but has {gpus} GPUs ({spec.gpus} on each of {spec.nodes} nodes)",
            remedy="mend the sizes, `gpus` or `nodes` of its entry under `models:`",
        )
    if gpus and spec.tensor_parallel_size is None and tensor * others != gpus:
        raise UserError(
            f"the {gpus} GPUs of the model {spec.name!r} cannot be shared out among pipeline x data parallel size "
            f"{spec.pipeline_parallel_size} x {spec.data_parallel_size}",
            remedy="mend the sizes of its entry under `models:`, or set `tensor_parallel_size`",
        )
    sizes = tensor * others
    if gpus and (sizes < gpus or spec.expert_parallel_size > sizes):
        raise UserError(
            f"the model {spec.name!r} has {gpus} GPUs; its tensor, pipeline and data parallel sizes use {sizes}, and "
            f"its expert parallel size is {spec.expert_parallel_size}",
            remedy="mend the sizes, `gpus` or `nodes` of its entry under `models:`",
        )
    return Sizes(tensor, spec.pipeline_parallel_size, spec.expert_parallel_size, spec.data_parallel_size)


class ServerKind:
    """One server software. Each answers for its own command line, environment, and what its readiness means."""

    name: str
    uses_gpus = True
    #: Whether `/v1/completions` can be asked for a token before there are requests.
    completes_when_ready = True
    #: Whether the server picks its HTTP port and writes it to a file (`port_file`).
    picks_port = False
    #: How it tells at `/metrics` how busy it is; None if it does not.
    load_metrics: LoadMetrics | None = None

    #: Arguments with which replies say how much of their prompt was in the server's cache.
    reuse_arguments: tuple[str, ...] = ()

    #: Variables for a node's own address, with several nodes.
    address_variables: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"the {self.name} server"

    def served_name(self, spec: ModelSpec) -> str:
        """The model's name in requests and in `/v1/models`."""
        return spec.served_name

    def command(self, launch: Launch) -> list[str]:
        """The command of one node, without the site's prefix."""
        raise NotImplementedError

    def environment(self, launch: Launch) -> dict[str, str]:
        """Variables that this server needs beside those that all get."""
        return {}

    def tasks_per_node(self, spec: ModelSpec) -> int:
        """How many processes srun starts on each of several nodes."""
        return 1

    def mpi(self, site: ServerSite) -> str:
        """The value of srun's --mpi."""
        return "none"

    def withheld(self, spec: ModelSpec) -> tuple[str, ...]:
        """Beginnings of the names of inherited variables that would mislead this server."""
        return ()

    def folders(self, launch: Launch) -> list[Path]:
        """Folders that a container must be shown beside the model, the scratch folder and the caches."""
        return []

    def port_file(self, scratch: Path) -> Path:
        return scratch / "server.port"


def full_command(kind: ServerKind, launch: Launch) -> list[str]:
    """The command of one node as it is run; the user's arguments come last, so that they win."""
    command = [*kind.command(launch), *launch.spec.args]
    folders = launch.scratch, launch.site.cache_folder(), Path(launch.spec.path), *kind.folders(launch)
    return launch.site.wrapped(command, [folder for folder in folders if folder.is_dir()])


def shown(command: list[str]) -> str:
    """A command for a log, to be copied into a shell."""
    return shlex.join(command)


def full_environment(kind: ServerKind, launch: Launch, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server's process; what the site and the model say wins."""
    environment = inheritable(inherited, kind.withheld(launch.spec))
    # A server's interpreter need not be ours: it must not find our modules before its own.
    paths = [path for path in environment.pop("PYTHONPATH", "").split(os.pathsep) if path and Path(path) != _SCRIPTS]
    if paths:
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    caches = launch.site.cache_folder()
    for name, folder in _CACHES.items():
        environment.setdefault(name, str(caches / folder))
    environment |= {
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",  # models are downloaded by a rule of their own, never while GPUs wait
        "TRANSFORMERS_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
    }
    environment |= past_proxies(environment, launch.head)
    return environment | kind.environment(launch) | launch.site.environment | launch.spec.environment


def past_proxies(environment: Mapping[str, str], *addresses: str) -> dict[str, str]:
    """Variables that keep the site's proxies out of what happens on the job's own nodes.

    A server asks itself whether it is ready, and gives up if a proxy answers instead. The proxies stay: an image may
    have to be fetched.
    """
    known = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = ",".join(dict.fromkeys([*filter(None, known.split(",")), "localhost", "127.0.0.1", "::1", *addresses]))
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def inheritable(inherited: Mapping[str, str], misleading: tuple[str, ...] = ()) -> dict[str, str]:
    """The inherited variables without secrets, thread limits, and what begins with one of `misleading`."""
    return {
        name: value
        for name, value in inherited.items()
        if not (name in _THREAD_LIMITS or name.endswith(_SECRETS) or name.startswith(misleading))
    }
