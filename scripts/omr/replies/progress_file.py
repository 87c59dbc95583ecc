"""What a job says of its work while it goes on: a small file beside its replies, renamed into place every few seconds.

It is there for people who watch (omr/live): nothing that is made depends on it. A job that ends well removes it, since
its counts say more; one that is told to stop or fails says so in it; one that is killed leaves it as it was.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from omr.errors import user_fault
from omr.files.jsonl import AtomicFile
from omr.files.locks import process_start
from omr.files.plain_text import plain_text

VERSION = 1
#: A job is in one of these: it reads its rows; its server loads; requests are out; it was told to stop; it failed.
PHASES = ("reading", "loading", "asking", "stopped", "failed")
#: Longest time between two writings. A job is young at first, and somebody may be looking.
LONGEST_PAUSE_S = 10.0
_SHORTEST_PAUSE_S = 1.0
#: No file of ours comes near.
_MOST_BYTES = 1 << 16
_MOST_KINDS, _MOST_CHARACTERS = 40, 300
#: Larger numbers are no counts of ours, and would only break tables.
_MOST = 10**15


@dataclass(frozen=True)
class JobProgress:
    """One look at a job. Tokens are of all its replies, stored ones included; `recent_*` of its last minutes."""

    phase: str = "reading"
    model: str = ""
    total: int = 0  # requests of the shard
    stored: int = 0  # of them, those that had a reply when this try began
    answered: int = 0  # in this try
    failed: Mapping[str, int] = field(default_factory=dict)  # kind of error -> requests that failed for good
    prompt_tokens: int = 0
    completion_tokens: int = 0
    without_usage: int = 0  # replies whose server counted no tokens
    recent_s: float = 0.0
    recent_answered: int = 0
    recent_tokens: int = 0  # completion tokens
    held_s: float = 0.0  # seconds that jobs held their machines for this shard, in all tries
    gpu_s: float = 0.0  # the same, each try's times the GPUs that it held
    gpus: int = 0  # of this try
    tries: int = 1  # how often a job was started for this shard, as far as this file knows
    note: str = ""  # why it stopped or failed
    host: str = ""
    pid: int = 0
    started: str = ""  # the process's start, by which a number that is used again is told apart
    job: str = ""  # of Slurm
    at: float = 0.0  # when this was written, by the clock of that host

    @property
    def done(self) -> int:
        """Requests of the shard that have a reply or failed for good. Further tries of one are not told apart."""
        return min(self.total, self.stored + self.answered + sum(self.failed.values()))


def progress_path(replies: Path) -> Path:
    """Where the job that makes this file of replies says how far it is."""
    return replies.with_name(replies.name + ".progress")


def read_progress(path: Path) -> JobProgress | None:
    """What a job said; None if the file says nothing that can be understood. Raises OSError.

    The file's content is not trusted: numbers are bounded, texts are made fit to be shown.
    """
    with path.open("rb") as handle:
        data = handle.read(_MOST_BYTES + 1)
    try:
        found = orjson.loads(data) if len(data) <= _MOST_BYTES else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or found.get("version") != VERSION or found.get("phase") not in PHASES:
        return None
    read: dict[str, Any] = {}
    for one in fields(JobProgress):
        value = _trusted(one.name, found.get(one.name, one.default), one.type)
        if value is None:
            return None
        read[one.name] = value
    if "gpu_s" not in found:  # of an older version
        read["gpu_s"] = read["held_s"] * read["gpus"]
    return JobProgress(**read)


def _trusted(name: str, value: Any, kind: Any) -> Any:
    """A field's value as it may be used; None if it cannot be one."""
    if name == "failed":
        return _kinds(value)
    if kind == "str":
        return plain_text(value, _MOST_CHARACTERS) if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        return None
    if kind == "float":
        return float(value)
    return value if isinstance(value, int) else None


def _kinds(value: Any) -> dict[str, int] | None:
    counts = value if isinstance(value, dict) else {} if value is None or not isinstance(value, list) else None
    if counts is None or any(
        not isinstance(n, int) or isinstance(n, bool) or not 0 <= n <= _MOST for n in counts.values()
    ):
        return None
    return {plain_text(kind, 60): n for kind, n in list(counts.items())[:_MOST_KINDS]}


class ProgressFile:
    """While its body runs, what `look` returns is written to `path` every few seconds, by a thread of its own."""

    def __init__(self, path: Path, look: Callable[[], JobProgress], say: Callable[[str], None]) -> None:
        self._path, self._look, self._say = path, look, say
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="progress", daemon=True)
        self._began = time.monotonic()
        self._tries = 1
        self._fails = False

    def __enter__(self) -> Self:
        with suppress(OSError):
            before = read_progress(self._path)
            self._tries = 1 if before is None else before.tries + 1
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if error is None:
            self._write({})
        else:
            self._write({"phase": "failed", "note": str(user_fault(error) or error)[:_MOST_CHARACTERS]})

    def done(self) -> None:
        """The shard is complete: its counts tell all that this file told, and more. To be called behind the body."""
        with suppress(OSError):
            self._path.unlink()

    def _write_on(self) -> None:
        while True:
            self._write({})
            age = time.monotonic() - self._began
            if self._ended.wait(min(LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, age / 10))):
                return

    def _write(self, instead: Mapping[str, Any]) -> None:
        content = {"version": VERSION} | asdict(self._look()) | {"tries": self._tries} | _myself() | dict(instead)
        try:
            with AtomicFile(self._path) as file:
                file.write(orjson.dumps(content))
        except OSError as error:
            if not self._fails:  # once: what is watched matters less than what is made
                self._say(f"{self._path}: cannot be written: {error.strerror}")
            self._fails = True


def _myself() -> dict[str, Any]:
    pid = os.getpid()
    job = os.environ.get("SLURM_JOB_ID", "")
    return {"host": socket.gethostname(), "pid": pid, "started": process_start(pid), "job": job, "at": time.time()}
