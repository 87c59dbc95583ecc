"""Worker processes that compare answers, each of which may be killed at any time.

Nothing that a model writes can stop the pool: a worker that exceeds its CPU time is killed by the kernel, one that
makes no progress for a long time by us, and either is replaced; what it was at has no answer, what waited behind it is
given to another worker.
"""

from __future__ import annotations

import json
import os
import selectors
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from omr.answers.worker_process import RETIRES, start_worker
from omr.errors import UserError

#: Questions on their way to one worker: enough to keep it busy while we read, few to be repeated after a kill.
_QUEUE_LENGTH = 16
#: From so many that wait for each worker on, another one is started.
_WORTH_ANOTHER = 4
_START_S = 120.0
_READ_BYTES = 1 << 16


class Job(NamedTuple):
    """A question to a worker, as JSON (see omr.answers.equivalence_worker); `key` says whose answer it is."""

    key: bytes
    question: list[Any]


#: A job's key, and the line that answers it; None where the worker died of it.
Answer = tuple[bytes, bytes | None]


class _Worker:
    """One process, and the jobs it was given in order; the first of them is the one it is at."""

    def __init__(self, timeout_s: float, memory_mb: int) -> None:
        self.jobs: deque[Job] = deque()
        self.ready = self.retires = False
        self.progress_at = time.monotonic()
        self._unsent, self._partial = bytearray(), b""
        self._process = start_worker(timeout_s, memory_mb)
        self.input, self.output = self._process.input, self._process.output
        # A worker that is busy does not read, and we must not wait for it with others to look after.
        os.set_blocking(self.input.fileno(), False)

    def give(self, job: Job) -> None:
        """Take a job; `send` brings it on its way."""
        if not self.jobs:
            self.progress_at = time.monotonic()
        self.jobs.append(job)
        self._unsent += json.dumps(job.question).encode() + b"\n"

    def send(self) -> bool:
        """Send what the pipe takes; whether anything is left."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self.input.fileno(), self._unsent)]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            # It died a moment ago: its end of file is still to be read, and what it had to be given to another.
            self._unsent.clear()
        return False

    def lines(self) -> list[bytes] | None:
        """Whole lines that have come; None when the process has ended."""
        data = os.read(self.output.fileno(), _READ_BYTES)
        if not data:
            return None
        self.progress_at = time.monotonic()
        *whole, self._partial = (self._partial + data).split(b"\n")
        return whole

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self._process.end()


class WorkerPool:
    """`submit` jobs while there is `room`, `collect` answers in whatever order they come, `close` at the end.

    Args: workers; CPU seconds for one comparison (`timeout_s`); address space of one worker (`memory_mb`); seconds of
    wall time without an answer after which a worker is taken for stuck (`patience_s`), generous, since a busy machine
    may give a worker very little time.
    """

    def __init__(self, *, workers: int, timeout_s: float, memory_mb: int, patience_s: float) -> None:
        self._timeout_s, self._memory_mb, self._patience_s = timeout_s, memory_mb, patience_s
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._most = workers
        self._orphans: deque[Job] = deque()
        self.killed = 0

    @property
    def room(self) -> bool:
        """Whether another job can be submitted without waiting."""
        return not self._orphans and self._has_room

    @property
    def _has_room(self) -> bool:
        return len(self._workers) < self._most or any(len(worker.jobs) < _QUEUE_LENGTH for worker in self._workers)

    @property
    def busy(self) -> bool:
        """Whether answers are still to come."""
        return bool(self._orphans) or any(worker.jobs for worker in self._workers)

    def submit(self, job: Job) -> None:
        """Give a job to the worker with the fewest; to a new one where all have some to do.

        A worker takes a moment to start: where there is little to compare, one is enough.
        """
        worker = min(self._workers, key=lambda worker: len(worker.jobs), default=None)
        if worker is None or (len(worker.jobs) >= _WORTH_ANOTHER and len(self._workers) < self._most):
            worker = self._start()
            self._workers.append(worker)
        worker.give(job)
        self._send(worker)

    def collect(self) -> list[Answer]:
        """Wait until something has happened; the answers that it brought, perhaps none.

        Raises: UserError when workers cannot be started.
        """
        found: list[Answer] = []
        for selected, _ in self._selector.select(timeout=self._time_left()):
            worker: _Worker = selected.data
            if worker not in self._workers:
                continue  # replaced a moment ago, while its other pipe waited in this list
            if selected.fileobj is worker.input:
                self._send(worker)
                continue
            lines = worker.lines()
            found += self._replace(worker) if lines is None else self._read(worker, lines)
        for worker in list(self._workers):
            if self._is_stuck(worker):
                found += self._replace(worker)
        while self._orphans and self._has_room:
            self.submit(self._orphans.popleft())
        return found

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            self._end(worker)
        self._workers = []
        self._selector.close()

    def _start(self) -> _Worker:
        try:
            worker = _Worker(self._timeout_s, self._memory_mb)
        except OSError as error:
            raise UserError(
                f"a process that compares answers cannot be started: {error.strerror}",
                remedy="let this job have more processes, memory and files (`ulimit -a`), or fewer workers",
            ) from error
        self._selector.register(worker.output, selectors.EVENT_READ, worker)
        return worker

    def _end(self, worker: _Worker) -> None:
        for pipe in (worker.input, worker.output):
            if pipe in self._selector.get_map():
                self._selector.unregister(pipe)
        worker.kill()

    def _send(self, worker: _Worker) -> None:
        """Send what can be sent, and ask to be told when the rest can."""
        waits, left = worker.input in self._selector.get_map(), worker.send()
        if left and not waits:
            self._selector.register(worker.input, selectors.EVENT_WRITE, worker)
        elif waits and not left:
            self._selector.unregister(worker.input)

    def _read(self, worker: _Worker, lines: list[bytes]) -> Iterator[Answer]:
        for line in lines:
            if not worker.ready:
                worker.ready = True
            elif line == RETIRES.encode():
                worker.retires = True
            else:
                yield worker.jobs.popleft().key, line

    def _replace(self, worker: _Worker) -> Iterator[Answer]:
        """A new worker for one that ended or is stuck; what it was at stays without an answer, unless it retired."""
        self._end(worker)
        place = self._workers.index(worker)
        if not worker.ready:
            del self._workers[place]
            raise UserError(
                "a process that compares answers does not start",
                remedy="see its message above: a limit here is too low (`ulimit -a`), or a package of "
                "envs/workflow.yaml is missing",
            )
        self._workers[place] = self._start()
        if not worker.retires:
            self.killed += 1
            if worker.jobs:
                yield worker.jobs.popleft().key, None
        self._orphans.extend(worker.jobs)

    def _time_left(self) -> float:
        waits = [self._limit(worker) - time.monotonic() for worker in self._workers if worker.jobs or not worker.ready]
        return max(min(waits, default=self._patience_s), 0.0)

    def _limit(self, worker: _Worker) -> float:
        return worker.progress_at + (self._patience_s if worker.ready else max(_START_S, self._patience_s))

    def _is_stuck(self, worker: _Worker) -> bool:
        return bool(worker.jobs or not worker.ready) and time.monotonic() > self._limit(worker)
