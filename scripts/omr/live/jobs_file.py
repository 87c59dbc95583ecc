"""What the process that runs Snakemake says of its jobs: results/<run>/jobs.json, written every few seconds.

With it, other commands know of jobs that wait, run, failed or were started again, CPU stages included.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from omr.files.jsonl import AtomicFile
from omr.files.locks import process_start
from omr.files.numbers import number, read_object, whole
from omr.files.plain_text import plain_text
from omr.live.signs import Signs

FILE = "jobs.json"
_MOST_RULES = 500


@dataclass
class RuleJobs:
    """The jobs of one rule. `running`: given to the executor, so on a cluster they may still wait there."""

    total: int = 0
    done: int = 0
    running: int = 0
    failed: int = 0
    retried: int = 0  # jobs that were started more than once

    @property
    def waiting(self) -> int:
        return max(0, self.total - self.done - self.running - self.failed)


@dataclass
class JobsSeen:
    """All jobs of one call of Snakemake, by rules in their order."""

    rules: dict[str, RuleJobs] = field(default_factory=dict)
    began_at: float = 0.0
    ended: str = ""  # how it ended, as one word; empty while it goes on
    run_id: str = ""  # the name of all its jobs in Slurm's queue
    host: str = ""
    pid: int = 0
    started: str = ""
    job: str = ""
    at: float = 0.0
    state: str = ""  # told by `settle`: running, silent, gone
    changed: float = 0.0

    def count(self, what: str) -> int:
        """The sum of a number over all rules."""
        return sum(getattr(jobs, what) for jobs in self.rules.values())

    def settle(self, signs: Signs) -> None:
        """Find out whether it is still there."""
        self.state = "gone" if self.ended else signs.state(self, self.changed)


def write_jobs(folder: Path, rules: Mapping[str, RuleJobs], began_at: float, ended: str, run_id: str) -> None:
    """Say how the jobs of this process are. Raises OSError."""
    pid = os.getpid()
    seen = JobsSeen(
        dict(rules), began_at, ended, run_id, socket.gethostname(), pid, process_start(pid), "", time.time()
    )
    with AtomicFile(folder / FILE) as file:
        file.write(orjson.dumps(asdict(seen)))


def read_jobs(folder: Path, signs: Signs, faults: list[str]) -> JobsSeen | None:
    """What Snakemake said; None if it did not. What cannot be read is added to `faults`."""
    path = folder / FILE
    try:
        found, changed = read_object(path), path.stat().st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return None
    rules = (found or {}).get("rules")
    if found is None or not isinstance(rules, dict):
        faults.append(f"{path}: cannot be understood")
        return None
    texts = {key: plain_text(str(found.get(key) or ""), 100) for key in ("ended", "run_id", "host", "started")}
    seen = JobsSeen(
        {plain_text(name, 60): _jobs(row) for name, row in list(rules.items())[:_MOST_RULES] if isinstance(row, dict)},
        began_at=number(found, "began_at"), pid=whole(found, "pid"), at=number(found, "at"), changed=changed, **texts,
    )  # fmt: skip
    signs.learn(seen.host, seen.at, changed)
    return seen


def _jobs(row: Mapping[str, object]) -> RuleJobs:
    return RuleJobs(*(whole(row, name) for name in ("total", "done", "running", "failed", "retried")))
