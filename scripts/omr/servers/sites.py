"""Where a server's software is and what the site wants of it: the entries of `servers:` in config.

The keys of an entry are the fields of `ServerSite`; their defaults are here and nowhere else.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from omr.errors import UserError


@dataclass(frozen=True)
class ServerSite:
    """One entry of `servers:`; the same for every model that the server serves."""

    # -- where the server is, if not in the environment of envs/<server>.yaml that the job runs in
    python: str | None = None  # interpreter that has the server; default: the one that runs this
    modules: tuple[str, ...] = ()  # environment modules to load
    container: str | None = None  # image that has the server
    container_command: tuple[str, ...] = ("apptainer", "exec", "--nv")  # runs a command in an image
    prefix: tuple[str, ...] = ()  # any other words to put before the command
    # -- what it runs with
    cache_dir: str | None = None  # node-local folder for compiled kernels; default: in the temporary folder
    environment: dict[str, str] = field(default_factory=dict)  # e.g. NCCL_SOCKET_IFNAME
    check_gpus: bool = True  # ask nvidia-smi before the server starts
    min_driver: int = 580  # CUDA 13, which the pinned servers are built for, needs it
    grace_s: float = 20.0  # from SIGTERM to SIGKILL
    # -- several nodes
    srun_args: tuple[str, ...] = ()  # further arguments of srun
    mpi: str = "pmix"  # srun --mpi for TensorRT-LLM
    # -- TensorRT-LLM on one node
    mpirun: tuple[str, ...] = ("mpirun", "-n", "1", "--oversubscribe", "--allow-run-as-root")

    @property
    def is_elsewhere(self) -> bool:
        """Whether the site has the server in a place of its own, and none must be installed for it."""
        return bool(self.python or self.modules or self.container or self.prefix)

    @property
    def interpreter(self) -> str:
        """The server's Python; in a container, or with modules, the one on the PATH there."""
        return self.python or ("python3" if self.is_elsewhere else sys.executable)

    def wrapped(self, command: Sequence[str], folders: Iterable[Path]) -> list[str]:
        """A server's command as it reaches the server's software; a container is shown the `folders`."""
        inner = [*self.prefix, *command]
        if self.container is not None:
            binds = [f"--bind={folder}" for folder in sorted({folder.resolve() for folder in folders})]
            inner = [*self.container_command, *binds, self.container, *inner]
        if self.modules:
            # `module` is a function that login shells define. `$@` keeps every argument as it is.
            load = f'module load {shlex.join(self.modules)} && exec "$@"'
            inner = ["bash", "-l", "-c", load, "modules", *inner]
        return inner

    def tool(self, name: str) -> str:
        """A command that is installed beside the server's Python."""
        return os.path.join(os.path.dirname(self.python or ""), name)

    def cache_folder(self) -> Path:
        """The folder for caches on this node, variables expanded; the user's own, because nodes are shared."""
        if self.cache_dir is None:
            return Path(tempfile.gettempdir()) / f"omr-server-caches-{os.getuid()}"
        return Path(os.path.expanduser(os.path.expandvars(self.cache_dir)))


def server_site(config: Mapping[str, Any], server: str) -> ServerSite:
    """The entry of `servers:` for a server; all defaults if there is none. Raises UserError for a wrong entry."""
    entry = dict((config.get("servers") or {}).get(server) or {})
    unknown = sorted(set(entry) - {item.name for item in fields(ServerSite)})
    if unknown:
        what = f"`servers: {server}:` has unknown keys: {', '.join(unknown)}"
        raise UserError(what, remedy="see config/README.md")
    for name in ("modules", "container_command", "prefix", "srun_args", "mpirun"):
        if name in entry:
            entry[name] = tuple(str(part) for part in entry[name])
    return ServerSite(**entry)
