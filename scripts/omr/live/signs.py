"""Whether a job is still at work, from what it left: by its process, by Slurm, else by how long it has been silent.

Clocks of nodes, of the file server and of who looks may differ by minutes. So a silence is measured on the file
server's clock, which is told from files that this machine wrote itself: they hold its own time and have the server's.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from omr.files.locks import process_start
from omr.files.plain_text import plain_text
from omr.replies.progress_file import LONGEST_PAUSE_S
from omr.runs.queue_reasons import Waiting

#: Three writings that did not come, and a slow network file system.
SILENT_AFTER_S = 3 * LONGEST_PAUSE_S + 30.0
RUNNING, SILENT, GONE = "running", "silent", "gone"
#: States of a Slurm job that has its nodes, and of one that will get them (again).
_AT_WORK = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT"}
_ANSWER_WITHIN_S = 10.0
_MOST_LINES = 200_000


class Owner(Protocol):
    """Who wrote a file."""

    @property
    def host(self) -> str: ...
    @property
    def pid(self) -> int: ...
    @property
    def started(self) -> str: ...
    @property
    def job(self) -> str: ...


@dataclass(frozen=True)
class Queue:
    """Slurm's queue: job number -> state, and states by name of a job (the run id that Snakemake gives its jobs).

    `answered` is false where there is no Slurm or it does not answer: then nothing follows from a job's absence.
    """

    answered: bool = False
    states: Mapping[str, str] = field(default_factory=dict)
    by_name: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    waiting: Mapping[str, list[Waiting]] = field(default_factory=dict)  # by the same name, and why
    fault: str = ""


class AskedQueue:
    """`squeue`, asked beside other work: `start`, then `read`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(self, user: int) -> None:
        """Ask for the jobs of a user, who need not be the one that looks."""
        command = ["squeue", "--noheader", f"--user={user}", "--format=%i|%T|%r|%j"]
        with suppress(OSError):  # no Slurm here
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
                errors="replace",
            )  # fmt: skip

    def read(self) -> Queue:
        """What it answered, waiting for it if need be."""
        if self._process is None:
            return Queue()
        try:
            out, _ = self._process.communicate(timeout=_ANSWER_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return Queue(fault="squeue does not answer")
        if self._process.returncode:
            return Queue(fault="squeue does not answer")
        return _read_queue(out)


def _read_queue(out: str) -> Queue:
    states: dict[str, str] = {}
    by_name: dict[str, dict[str, int]] = {}
    waiting: dict[str, list[Waiting]] = {}
    for line in out.splitlines()[:_MOST_LINES]:
        number, state, reason, name = (*line.strip().split("|", 3), "", "", "")[:4]
        states[number] = state
        of_name = by_name.setdefault(name, {})
        of_name[state] = of_name.get(state, 0) + 1
        if state == "PENDING":
            waiting.setdefault(name, []).append(Waiting(number, plain_text(reason, 200)))
    return Queue(True, states, by_name, waiting)


@dataclass
class Signs:
    """Tells who is at work. Tell it of every file that may be of this machine (`learn`), then ask (`state`)."""

    queue: Queue = field(default_factory=Queue)
    host: str = field(default_factory=socket.gethostname)
    now: float = field(default_factory=time.time)
    _offset_s: float | None = None  # of the file server's clock to ours
    _newest: float = 0.0

    def learn(self, host: str, at: float, changed: float) -> None:
        """A file written by `host` at `at` on its clock, at `changed` on the file server's."""
        self._newest = max(self._newest, changed)
        if host == self.host and at:
            self._offset_s = changed - at

    def age_s(self, changed: float) -> float:
        """How long ago a file was changed."""
        if self._offset_s is not None:
            return max(0.0, self.now + self._offset_s - changed)
        return max(0.0, max(self.now, self._newest) - changed)

    def state(self, owner: Owner, changed: float) -> str:
        """`running`, `gone` (that is sure), or `silent`: nothing was heard of it for too long."""
        if owner.job and self.queue.answered:
            return RUNNING if self.queue.states.get(owner.job) in _AT_WORK else GONE
        if owner.host == self.host and owner.started:
            return RUNNING if process_start(owner.pid) == owner.started else GONE
        return RUNNING if self.age_s(changed) <= SILENT_AFTER_S else SILENT
