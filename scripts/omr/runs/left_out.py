"""The nodes that a submission is to avoid, as options of `sbatch`: those on which the same job failed before, and those
that are bad for all jobs of the run (failed_nodes.py), as long as enough others take jobs.

Standard library only, for scripts/slurm_command.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from omr.runs.failed_nodes import FailedNodes

#: No more nodes than this, and no more than half of those that take jobs, are left out.
_MOST = 4
#: States of nodes that run jobs now or soon. A sign behind says that the node does not answer (`*`) or is in
#: maintenance (`$`).
_USABLE = re.compile(r"(?:idle|mix|alloc|comp|plnd|planned)[^*$]*$", re.IGNORECASE)
_TAKES_VALUE = {"--exclude": "-x", "--partition": "-p", "--nodes": "-N", "--nodelist": "-w"}


def with_left_out(
    arguments: Sequence[str], work: str, known: FailedNodes, ask: Callable[..., str | None]
) -> Sequence[str]:
    """The arguments of `sbatch`, leaving out more nodes than they did; the same object where there are none.

    `ask` runs another of Slurm's commands and returns what it prints, None if it fails: then none is left out.
    """
    own = known.of_work(work)
    bad = own + [node for node in known.avoided() if node not in own]
    if not bad or _values(arguments, "--nodelist"):
        return arguments
    usable = _usable_nodes(arguments, ask)
    most = min(_MOST, len(usable) // 2, len(usable) - _nodes_wanted(arguments))
    chosen = [node for node in bad if node in usable][: max(0, most)]
    if not chosen:
        return arguments
    # Of several such options only the last one counts.
    exclude = ",".join([*_values(arguments, "--exclude"), *chosen])
    return [f"--exclude={exclude}", *_without(arguments, "--exclude")]


def _usable_nodes(arguments: Sequence[str], ask: Callable[..., str | None]) -> set[str]:
    """The nodes of the job's partition that take jobs; with GPUs if it asks for some."""
    partitions = _values(arguments, "--partition")
    where = [f"--partition={partitions[-1]}"] if partitions else []
    listed = ask("sinfo", "--noheader", "--Node", *where, "--format=%N|%t|%P|%G")
    rows = [line.strip().split("|", 3) for line in (listed or "").splitlines()]
    rows = [row for row in rows if len(row) == 4 and _USABLE.match(row[1])]
    if not partitions and any(row[2].endswith("*") for row in rows):
        rows = [row for row in rows if row[2].endswith("*")]  # the default one
    if any(argument.startswith(("--gpus", "--gres=gpu")) for argument in arguments):
        rows = [row for row in rows if "gpu" in row[3]]
    return {row[0] for row in rows}


def _nodes_wanted(arguments: Sequence[str]) -> int:
    found = re.match(r"\d+", next(reversed(_values(arguments, "--nodes")), "1"))
    return int(found[0]) if found else 1


def _values(arguments: Sequence[str], name: str) -> list[str]:
    """The values of an option, long or short, in all ways of writing it."""
    return [value for _, value in _places(arguments, name)]


def _without(arguments: Sequence[str], name: str) -> list[str]:
    gone = {place for places, _ in _places(arguments, name) for place in places}
    return [argument for place, argument in enumerate(arguments) if place not in gone]


def _places(arguments: Sequence[str], name: str) -> list[tuple[tuple[int, ...], str]]:
    """(Places of its words, value) of each time that an option is given."""
    short, found = _TAKES_VALUE[name], list[tuple[tuple[int, ...], str]]()
    for place, argument in enumerate(arguments):
        if argument in (name, short) and place + 1 < len(arguments):
            found.append(((place, place + 1), arguments[place + 1]))
        elif argument.startswith(f"{name}="):
            found.append(((place,), argument.partition("=")[2]))
        elif argument.startswith(short) and argument != short:
            found.append(((place,), argument.removeprefix(short)))
    return found
