"""Beside each question of the executor for the states of a run's jobs: which nodes they failed on, and why they wait.

In: the listing that the executor gets, notes of jobs (omr/servers/node_notes.py), and Slurm's own list of the run's
jobs, asked once for all of them when there is something new. Out: `nodes.json` in the run's results (failed_nodes.py),
and lines for Snakemake's log. Standard library only, for scripts/slurm_command.py.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from omr.runs.failed_nodes import (
    DIED,
    NODE,
    SILENT,
    START,
    Failed,
    FailedNodes,
    keep,
    name_of,
    read_failed_nodes,
    told,
    write_failed_nodes,
)
from omr.runs.queue_reasons import Waiting, is_usual, sentences, stays
from omr.servers.node_notes import SERVED

NOTES, _STATE = "notes", "watched"
FIELDS = "%i|%T|%r|%N|%k"
#: How often Slurm is asked why jobs wait, and how often the same reason is told.
_ASK_EVERY_S, _SAY_EVERY_S = 60.0, 600.0
#: Ends that say something of the node. Slurm itself looks after nodes that are gone; jobs that are cancelled,
#: preempted, out of time or of memory say nothing of theirs.
_FAILED, _DONE, _WAITS = "FAILED", "COMPLETED", "PENDING"


class Job(NamedTuple):
    """A job as Slurm lists it; `nodes` in Slurm's short form (`n[1-2]`), `work` its rule and wildcards."""

    number: str
    state: str
    reason: str
    nodes: str
    work: str


@dataclass
class _Seen:
    """What was looked at before; it outlives one call of a command."""

    ended: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    asked_at: float = 0.0
    since: dict[str, float] = field(default_factory=dict)  # reason -> when a job was first seen to wait for it
    said: dict[str, float] = field(default_factory=dict)


class JobWatch:
    """The jobs of one run whose files are in `folder`; `ledger` is its nodes.json.

    `ask` runs one of Slurm's commands and returns what it prints, None if it fails; `say` gets a line for people.
    """

    def __init__(self, folder: Path, ledger: Path, ask: Callable[..., str | None], say: Callable[[str], None]) -> None:
        self._folder, self._ledger, self._ask, self._say = folder, ledger, ask, say

    def look(self, run_id: str, listed: str, ours: Iterable[str], now: float | None = None) -> None:
        """`listed`: lines of `<number>|<state>`; `ours`: the numbers of the jobs that the run has submitted. Raises
        OSError."""
        now, ours = time.time() if now is None else now, set(ours)
        states = dict(line.strip().split("|", 1) for line in listed.splitlines() if "|" in line)
        states = {number: state.strip() for number, state in states.items() if number in ours}
        seen = self._read_seen()
        over, known = set(seen.ended), {*seen.ended, *seen.served}
        ended = [number for number, state in states.items() if state in (_FAILED, _DONE) and number not in over]
        # Of jobs whose server was ready nothing more is to be read until they end.
        notes = self._read_notes(set(ended) | (states.keys() - known))
        served = [number for number, note in notes.items() if note["kind"] == SERVED and number not in known]
        waits = _WAITS in states.values() and now - seen.asked_at >= _ASK_EVERY_S
        if not (ended or served or waits):
            return
        jobs = self._listed(run_id, ours)
        if jobs is None:
            return  # asked again with the next question
        seen.asked_at = now
        self._note_ends(jobs, notes, ended, served, now)
        seen.ended += ended
        seen.served += served
        self._tell_reasons(jobs.values(), seen, now)
        keep(self._folder / _STATE, json.dumps(seen.__dict__))

    def _listed(self, run_id: str, ours: set[str]) -> dict[str, Job] | None:
        out = self._ask("squeue", "--noheader", "--states=all", f"--name={run_id}", f"--format={FIELDS}")
        if out is None:
            return None
        rows = [line.strip().split("|", 4) for line in out.splitlines()]
        return {row[0]: Job(*row) for row in rows if len(row) == len(Job._fields) and row[0] in ours}

    # ---- nodes -------------------------------------------------------------------------------------------------

    def _note_ends(
        self, jobs: Mapping[str, Job], notes: Mapping[str, Any], ended: list[str], served: list[str], now: float
    ) -> None:
        known = read_failed_nodes(self._ledger, now)
        before = known.avoided()
        changed = False
        for number in served:
            if (job := jobs.get(number)) is not None and (nodes := self._nodes(job)):
                known.add_success(job.work, number, nodes, True, now)
                changed = True
        for number in ended:
            if (job := jobs.get(number)) is not None and (nodes := self._nodes(job)):
                changed |= self._note_end(known, job, nodes, notes, now)
        if not changed:
            return
        known.forget_old(now)
        if known.failed or self._ledger.exists():
            write_failed_nodes(self._ledger, known)
        if known.avoided() != before:
            for sentence in known.sentences(self._ledger):
                self._say(sentence)

    def _note_end(
        self, known: FailedNodes, job: Job, nodes: Sequence[str], notes: Mapping[str, Any], now: float
    ) -> bool:
        """Whether a job's end says something of its nodes."""
        note = notes.get(job.number, {"kind": SILENT, "why": ""})
        if job.state == _DONE:
            known.add_success(job.work, job.number, nodes, False, now)
            return True
        if job.state != _FAILED or note["kind"] not in (START, DIED, SILENT):
            return False
        # Of several nodes, those that said so themselves.
        named = [node for node in nodes if f"{job.number}.{node}" in notes] or nodes
        why = next(
            (notes[f"{job.number}.{node}"]["why"] for node in named if f"{job.number}.{node}" in notes), note["why"]
        )
        failed = [Failed(now, node, job.number, job.work, note["kind"], why) for node in named]
        for one in failed:
            known.add_failure(one)
        self._say(
            f"job {job.number} ({name_of(job.work)}) failed on {', '.join(named)} ({told(failed[0])}): if that is the "
            "node's fault, further tries do better, which avoid it where others take jobs"
        )
        return True

    def _nodes(self, job: Job) -> list[str]:
        if NODE.fullmatch(job.nodes):
            return [job.nodes]
        shown = self._ask("scontrol", "show", "hostnames", job.nodes) if "[" in job.nodes or "," in job.nodes else None
        return [name for name in (shown or "").split() if NODE.fullmatch(name)]

    # ---- why jobs wait -----------------------------------------------------------------------------------------

    def _tell_reasons(self, jobs: Iterable[Job], seen: _Seen, now: float) -> None:
        """What will never start at once, what waits for something that may pass after ten minutes; both every ten."""
        waiting = [Waiting(job.number, job.reason) for job in jobs if job.state == _WAITS and not is_usual(job.reason)]
        reasons = {one.reason for one in waiting}
        seen.since = {reason: seen.since.get(reason, now) for reason in reasons}
        seen.said = {reason: at for reason, at in seen.said.items() if reason in reasons}
        due = {
            reason
            for reason in reasons
            if now - seen.said.get(reason, 0.0) >= _SAY_EVERY_S
            and (stays(reason) or now - seen.since[reason] >= _SAY_EVERY_S)
        }
        seen.said |= dict.fromkeys(due, now)
        for sentence in sentences(one for one in waiting if one.reason in due):
            self._say(sentence)

    # ---- files -------------------------------------------------------------------------------------------------

    def _read_seen(self) -> _Seen:
        path = self._folder / _STATE
        return _Seen(**json.loads(path.read_text())) if path.exists() else _Seen()

    def _read_notes(self, numbers: set[str]) -> dict[str, dict[str, str]]:
        """The notes of these jobs, by job number and by `<number>.<node>`."""
        folder = self._folder / NOTES
        names = [name for name in os.listdir(folder) if name.partition(".")[0] in numbers] if folder.is_dir() else []
        return {name: _note((folder / name).read_text(encoding="utf-8")) for name in names}


def _note(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    known = found if isinstance(found, dict) else {}
    return {"kind": str(known.get("kind", "")), "why": str(known.get("why", ""))}
