"""What a site's Slurm wants to be told of a job beside its sizes: the entries `slurm:` of config and of a model."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from omr.errors import UserError

#: Key of an entry -> the resource of the executor plugin that says it to sbatch.
RESOURCES = {"partition": "slurm_partition", "account": "slurm_account", "qos": "qos", "constraint": "constraint"}
_OPTION = re.compile(r"--([a-z][a-z-]*)(?:=[^\x00-\x1f]*)?", re.DOTALL)
#: Options of sbatch that say what a key of config says.
_OF_KEYS = {name: f"`{name}`" for name in (*RESOURCES, "reservation")} | {
    "time": "`runtime_min`",
    "nodes": "`nodes`",
    "mem": "`mem_gb_per_gpu`",
    "mem-per-cpu": "`mem_gb_per_gpu`",
    "mem-per-gpu": "`mem_gb_per_gpu`",
    "cpus-per-task": "`cpus_per_gpu`",
    "cpus-per-gpu": "`cpus_per_gpu`",
    "gpus": "`gpus`",
    "gpus-per-node": "`gpus`",
    "gpus-per-task": "`gpus`",
    "gres": "`gpus`, or `gres` among `set-resources` of a profile",
}
#: Options that are the workflow's own or the executor's: what they say elsewhere would be lost.
_OF_WORKFLOW = (
    *("signal", "requeue", "no-requeue", "ntasks", "ntasks-per-node", "ntasks-per-gpu", "array", "wrap", "wait"),
    *("job-name", "output", "error", "parsable", "export", "export-file", "comment", "chdir", "workdir", "clusters"),
    *("input", "open-mode", "test-only", "get-user-env", "help", "version", "usage"),
)


class SlurmOptions(NamedTuple):
    """An entry `slurm:`; None says nothing, so that a profile's `default-resources` decide."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    reservation: str | None = None
    extra: tuple[str, ...] = ()  # further options of sbatch, one each: `--mail-type=FAIL`

    @property
    def resources(self) -> dict[str, str]:
        """The resources that the executor plugin knows, by name; it quotes their values."""
        return {name: value for key, name in RESOURCES.items() if (value := getattr(self, key)) is not None}

    @property
    def arguments(self) -> list[str]:
        """What it has no resource for, as words of sbatch's command line, quoted for its shell."""
        reserved = [] if self.reservation is None else [f"--reservation={self.reservation}"]
        return [shlex.quote(option) for option in (*reserved, *self.extra)]


def slurm_options(entry: Mapping[str, Any], where: str) -> SlurmOptions:
    """An entry of config, which `where` names. Raises UserError for what Slurm could not take from it."""
    unknown = sorted(set(entry).difference(SlurmOptions._fields))
    if unknown:
        raise UserError(f"{where} has unknown keys: {', '.join(unknown)}", remedy="see config/README.md")
    options = SlurmOptions(**dict(entry) | {"extra": tuple(entry.get("extra") or ())})
    for option in options.extra:
        fault = _fault_of_option(option)
        if fault is not None:
            raise UserError(f"{where} has {option!r} among `extra`, {fault}", remedy="mend it in config")
    return options


def _fault_of_option(option: str) -> str | None:
    found = _OPTION.fullmatch(option)
    if found is None:
        return "which is no option of sbatch in one piece, such as `--mail-type=FAIL`"
    # Slurm takes the beginning of an option's name for the option.
    name = found[1]
    key = next((key for of_key, key in _OF_KEYS.items() if of_key.startswith(name)), None)
    if key is not None:
        return f"which config says by {key}"
    return "which the workflow sets itself" if any(own.startswith(name) for own in _OF_WORKFLOW) else None
