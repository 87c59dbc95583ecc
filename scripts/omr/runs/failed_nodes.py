"""The nodes on which jobs of a run came to nothing, kept in its results: `results/<run>/nodes.json`.

A job whose server does not start may have met a broken node, or be wrong in its config, which fails on every node. So
its own next attempts avoid the node, which costs nothing in either case; other jobs avoid it only when several failed
there and one of them did well elsewhere. What is older than `AGE_S` is forgotten, and other jobs use a node again on
which one has done well since. Standard library only, for scripts/slurm_command.py.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "nodes.json"
#: The name of one node.
NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
AGE_S = 12 * 3600.0
#: So many jobs must have failed on a node before those that have not been there avoid it.
_JOBS = 2
_VERSION, _MOST_KEPT, _MOST_NAMED = 1, 400, 5
#: How a job failed: its server did not start, it died for good later, or the job ended before it could say a word.
START, DIED, SILENT = "start", "died", "silent"
_WORDS = {START: "no server started", DIED: "the server died", SILENT: "ended before anything of the job ran"}


@dataclass
class Failed:
    """A job that failed on a node. `work` is the same for all attempts of a job (rule and wildcards)."""

    at: float
    node: str
    job: str
    work: str
    kind: str
    why: str = ""
    elsewhere: str = ""  # a node on which the same work has done well since


@dataclass
class FailedNodes:
    """Failures, oldest first, and when a server (`server`) or any job (`any`) last did well on a node."""

    failed: list[Failed] = field(default_factory=list)
    well: dict[str, dict[str, float]] = field(default_factory=dict)

    def add_failure(self, failed: Failed) -> None:
        self.failed.append(failed)

    def add_success(self, work: str, job: str, nodes: Iterable[str], with_server: bool, now: float) -> None:
        """A job did well: its server started, or it ended so."""
        nodes = tuple(nodes)
        for node in nodes:
            self.well.setdefault(node, {})["any"] = now
            if with_server:
                self.well[node]["server"] = now
        self.failed = [one for one in self.failed if (one.work, one.node) not in {(work, node) for node in nodes}]
        for one in self.failed:
            if one.work == work and nodes and (with_server or one.kind == SILENT):
                one.elsewhere = nodes[0]

    def forget_old(self, now: float) -> None:
        self.failed = [one for one in self.failed if now - AGE_S <= one.at <= now][-_MOST_KEPT:]
        self.well = {node: last for node, last in self.well.items() if last.get("any", 0.0) >= now - AGE_S}

    def of_work(self, work: str) -> list[str]:
        """The nodes on which this job failed, the latest first."""
        return list(dict.fromkeys(one.node for one in reversed(self.failed) if one.work == work))

    def avoided(self) -> list[str]:
        """The nodes that are bad for all jobs, as far as one can know; those with the most failed jobs first."""
        works = {node: self._against(node) for node in {one.node for one in self.failed}}
        bad = [node for node, of_node in works.items() if _is_proof(of_node)]
        return sorted(bad, key=lambda node: (-len(works[node]), node))

    def _against(self, node: str) -> list[Failed]:
        """What speaks against a node: failures since something of their kind last did well there. Of a server that died
        while it worked, the work may be the cause."""
        last = self.well.get(node, {})
        since = {START: last.get("server", 0.0), SILENT: last.get("any", 0.0)}
        return [one for one in self.failed if one.node == node and one.kind in since and one.at > since[one.kind]]

    def sentences(self, file: Path) -> Iterator[str]:
        """What is to be told of nodes, and how to use them again: `file` is where this was read."""
        avoided, again = self.avoided(), f"to use it again, remove {file}"
        for node in avoided:
            against = self._against(node)
            elsewhere = next(one.elsewhere for one in reversed(against) if one.elsewhere)
            yield (
                f"new jobs avoid the node {node}: {_jobs(against)} failed there ({told(against[-1])}), and one of them "
                f"did well on {elsewhere}; {again}"
            )
        others = [one for one in self.failed if one.node not in avoided]
        alike = [one for one in others if not one.elsewhere and len(self.of_work(one.work)) > 1]
        if alike:
            nodes = sorted({one.node for one in alike})
            yield (
                f"{_jobs(alike)} failed on one node after another ({_named(nodes)}: {told(alike[-1])}): that is rather "
                "the fault of config than of the nodes"
            )
        alone = [one for one in others if one not in alike]
        for node in sorted({one.node for one in alone}):
            of_node = [one for one in alone if one.node == node]
            yield f"{_jobs(of_node)} failed on the node {node} ({told(of_node[-1])}); further tries avoid it; {again}"


def _is_proof(against: list[Failed]) -> bool:
    return len({one.work for one in against}) >= _JOBS and any(one.elsewhere for one in against)


def _jobs(failed: list[Failed]) -> str:
    number = len({one.work for one in failed})
    return f"{number} job{'' if number == 1 else 's'}"


def _named(nodes: list[str]) -> str:
    more = f" and {len(nodes) - _MOST_NAMED} more" if len(nodes) > _MOST_NAMED else ""
    return ", ".join(nodes[:_MOST_NAMED]) + more


def told(failed: Failed) -> str:
    """Why a job failed, in words."""
    return failed.why or _WORDS.get(failed.kind, failed.kind)


def name_of(work: str) -> str:
    """A job's rule and wildcards as people read them; `work` is what the executor calls it in Slurm's comment."""
    return work.removeprefix("rule_").replace("_wildcards_", " ", 1)


def read_failed_nodes(path: Path, now: float | None = None) -> FailedNodes:
    """What is known and not too old; nothing where the file is missing or says nothing that can be understood."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return FailedNodes()
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        return FailedNodes()
    rows, well = found.get("failed"), found.get("well")
    failed = [_failed(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    nodes = FailedNodes([one for one in failed if one is not None], _well(well) if isinstance(well, dict) else {})
    nodes.forget_old(time.time() if now is None else now)
    return nodes


def told_of_nodes(folder: Path) -> list[str]:
    """Sentences on the nodes of a run in its results folder; none where no job failed on one."""
    return list(read_failed_nodes(folder / FILE).sentences(folder / FILE))


def _failed(row: Mapping[str, Any]) -> Failed | None:
    texts = {key: str(row.get(key, "")) for key in ("node", "job", "work", "kind", "why", "elsewhere")}
    return Failed(_time(row.get("at")), **texts) if NODE.fullmatch(texts["node"]) else None


def _well(found: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    rows = {str(node): last for node, last in found.items() if isinstance(last, dict)}
    return {node: {kind: _time(last.get(kind)) for kind in ("any", "server")} for node, last in rows.items()}


def _time(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def write_failed_nodes(path: Path, nodes: FailedNodes) -> None:
    """Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    keep(path, json.dumps({"version": _VERSION, **asdict(nodes)}, indent=1) + "\n")


def keep(path: Path, text: str) -> None:
    """Put a small file in the place of an earlier one, whole. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_text(text, encoding="utf-8")
    beside.rename(path)
