"""How far one model stage is: its shards, read from their counts, progress files and journals.

Replies are never read. A shard that is done has counts; one at work, or that was, has a progress file (or, of a version
of this workflow without those, a journal and a lock). Of what has neither nothing is known but that it must be asked.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omr.files.numbers import number, read_object, whole
from omr.files.plain_text import plain_text
from omr.live.signs import GONE, RUNNING, SILENT, Signs
from omr.replies.progress_file import JobProgress, progress_path, read_progress
from omr.runs.spent import Spent, read_held, spent_by_counts, spent_by_held, spent_by_progress

#: What a shard may be. `stopped`: a job has begun it and is gone; its replies are kept.
STATES = ("done", RUNNING, SILENT, "stopped", "waiting")


@dataclass(frozen=True)
class OpenShard:
    """A shard that a job has begun and not completed. `total` is 0 where it is not known."""

    name: str
    state: str
    phase: str = ""
    done: int = 0
    total: int = 0
    failed: int = 0
    rows_per_s: float = 0.0
    tokens_per_s: float = 0.0
    held_s: float = 0.0
    tries: int = 1
    silent_s: float = 0.0
    note: str = ""
    where: str = ""  # host, or Slurm's job


@dataclass
class StageProgress:
    """One stage, its shards summed. Requests of shards that no job has begun are not known: `unknown_shards`."""

    stage: str
    recipe: str | None
    model: str
    gpus_of_job: int = 0
    shards: Counter[str] = field(default_factory=Counter)  # by their states
    done: int = 0
    total: int = 0
    unknown_shards: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # requests, by kind of error
    prompt_tokens: int = 0
    completion_tokens: int = 0
    without_usage: int = 0
    gpu_s: float = 0.0
    gpus: int = 0  # held now
    rows_per_s: float = 0.0
    tokens_per_s: float = 0.0
    retried: int = 0  # shards at which more than one job was started
    open: list[OpenShard] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.stage if self.recipe is None else f"{self.recipe}: {self.stage}"

    @property
    def is_complete(self) -> bool:
        return self.shards["done"] == self.shards.total()

    def add_done(self, counts: Mapping[str, Any]) -> None:
        self.shards["done"] += 1
        self._add_spent(spent_by_counts(counts))
        failed = counts.get("failed")
        kinds = failed if isinstance(failed, dict) else {}
        self.failed.update({plain_text(str(kind), 60): whole(kinds, kind) for kind in list(kinds)[:40]})
        requests = whole(counts, "requests")
        self.total += requests
        self.done += requests

    def add_open(self, path: Path, state: str, found: JobProgress, silent_s: float) -> None:
        """A shard that a job has begun: what it says, and whether it is still there."""
        self.shards[state] += 1
        self.done += found.done
        self.total += found.total
        self.unknown_shards += found.total == 0
        self._add_spent(spent_by_progress(found))
        self.failed.update(found.failed)
        self.retried += found.tries > 1
        rates = (0.0, 0.0)
        if state == RUNNING:
            self.gpus += found.gpus
            if found.recent_s > 0:
                rates = (found.recent_answered / found.recent_s, found.recent_tokens / found.recent_s)
        self.rows_per_s += rates[0]
        self.tokens_per_s += rates[1]
        self.open.append(
            OpenShard(
                name=str(path),
                state=state,
                phase=found.phase,
                done=found.done,
                total=found.total,
                failed=sum(found.failed.values()),
                rows_per_s=rates[0],
                tokens_per_s=rates[1],
                held_s=found.held_s,
                tries=found.tries,
                silent_s=silent_s,
                note=found.note,
                where=f"job {found.job}" if found.job else found.host,
            )
        )

    def _add_spent(self, part: Spent) -> None:
        self.gpu_s += part.gpu_s
        self.prompt_tokens += part.prompt_tokens
        self.completion_tokens += part.completion_tokens
        self.without_usage += part.without_usage

    @property
    def spent(self) -> Spent:
        """What all its shards took, by the prices of the model that is asked now."""
        return Spent(self.model, self.gpu_s, self.prompt_tokens, self.completion_tokens, self.without_usage)


@dataclass(frozen=True)
class _Begun:
    """What a job that has begun a shard left: it is told apart once all such files have been looked at."""

    stage: StageProgress
    path: Path
    counts: Path
    found: JobProgress
    changed: float


class StageReader:
    """Reads stages; which of the jobs that began something are there is known once all were read (`settle`)."""

    def __init__(self, folder: Path, signs: Signs) -> None:
        """`folder`: of the run; shards are named by their place in it."""
        self._folder, self._signs = folder, signs
        self._begun: list[_Begun] = []
        self.told = set[str]()  # counts files of the shards whose spending is in their stages

    def read(self, stage: StageProgress, shards: Sequence[tuple[Path, Path]]) -> StageProgress:
        """`shards`: of each its counts file and its replies file."""
        names = _names({path.parent for pair in shards for path in pair})
        for counts, replies in shards:
            if counts.name in names[counts.parent] and self._add_done(stage, counts):
                self.told.add(str(counts))
                continue
            found = self._begun_by(stage, counts, replies, names[replies.parent])
            if found is None:
                stage.shards["waiting"] += 1
                stage.unknown_shards += 1
            else:
                self._begun.append(found)
                self.told.add(str(counts))
                self._signs.learn(found.found.host, found.found.at, found.changed)
        return stage

    @property
    def saw_slurm(self) -> bool:
        """Whether one of the jobs that began something is Slurm's."""
        return any(begun.found.job for begun in self._begun)

    def settle(self) -> None:
        """Add the shards that were begun to their stages: every file has been read, so that clocks are known."""
        for begun in self._begun:
            found = begun.found
            state = GONE if found.phase in ("stopped", "failed") else self._signs.state(found, begun.changed)
            state = "stopped" if state == GONE else state
            if state == "stopped" and self._add_done(begun.stage, begun.counts):
                continue  # it has just ended well
            begun.stage.add_open(
                begun.path.relative_to(self._folder).with_suffix(""), state, found, self._signs.age_s(begun.changed)
            )

    def _add_done(self, stage: StageProgress, path: Path) -> bool:
        try:
            counts = read_object(path)
        except FileNotFoundError:
            return False  # Snakemake has just removed it: the shard is asked again
        except OSError as error:
            stage.faults.append(f"{path}: cannot be read: {error.strerror}")
            counts = {}
        if counts is None:
            stage.faults.append(f"{path}: holds no counts")
            counts = {}
        stage.add_done(counts)
        return True

    def _begun_by(self, stage: StageProgress, counts: Path, replies: Path, names: set[str]) -> _Begun | None:
        path = progress_path(replies)
        if path.name in names:
            try:
                found, changed = read_progress(path), path.stat().st_mtime
            except OSError:  # the job has just ended well
                return None
            if found is not None:
                return _Begun(stage, replies, counts, found, changed)
            stage.faults.append(f"{path}: cannot be understood (another version wrote it, or something else)")
        if replies.name + ".journal" not in names:
            return None
        return _by_lock(stage, counts, replies)


def _by_lock(stage: StageProgress, counts: Path, replies: Path) -> _Begun | None:
    """What a job of an older version left, or one that was killed at once."""
    path = replies.with_name(replies.name + ".lock")
    try:
        owner, changed = read_object(path), path.stat().st_mtime
    except OSError:
        owner, changed = None, 0.0
    held = read_held(replies)
    known: dict[str, Any] = {"held_s": number(held, "held_s"), "gpus": stage.gpus_of_job, "model": stage.model}
    known["gpu_s"] = spent_by_held(held, stage.gpus_of_job).gpu_s
    if not owner:
        found = JobProgress(phase="stopped", note="nothing says how far it came", **known)
        return _Begun(stage, replies, counts, found, changed)
    known |= {key: plain_text(str(owner.get(key, "")), 100) for key in ("host", "started", "job")}
    pid = str(owner.get("pid"))
    known["pid"] = int(pid) if pid.isascii() and pid.isdecimal() and len(pid) < 9 else 0
    found = JobProgress(phase="asking", note="it does not say how far it is", **known)
    return _Begun(stage, replies, counts, found, changed)


def _names(folders: set[Path]) -> dict[Path, set[str]]:
    """The files of folders: one look at a folder costs less than one at each of its files."""
    return {folder: set(_listed(folder)) for folder in folders}


def _listed(folder: Path) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:  # not there yet, or not for us
        return
