"""Starting a process that compares answers: forked from this one where that is safe, else with a Python of its own.

A fork has all modules loaded, which is most of what a short comparison costs. It is taken where this process has one
thread: another thread may hold a lock at that moment, which nobody would ever release in the child. Of what else a fork
inherits nothing may be used: its descriptors are closed, what its parent would tidy up at its end is left to the
parent, and limits count from what it has at its start.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import traceback
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

#: What a worker writes that answers no more, though nothing is wrong with what it was asked.
RETIRES = "retires"
_SCRIPTS = str(Path(__file__).resolve().parents[2])


class WorkerProcess:
    """One process: questions go to `input`, answers come from `output`; `pid` names it until `end`."""

    def __init__(self, process: subprocess.Popen[bytes] | BaseProcess, questions: FileIO, answers: FileIO) -> None:
        assert process.pid is not None, "it was started"
        self._process, self.pid = process, process.pid
        self.input, self.output = questions, answers

    def end(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        if isinstance(self._process, subprocess.Popen):
            self._process.wait()
        else:
            self._process.join()
        self.input.close()
        self.output.close()


def start_worker(timeout_s: float, memory_mb: int) -> WorkerProcess:
    """Start a worker with the limits that `equivalence_worker.serve` sets."""
    asked, questions = os.pipe()
    answers, told = os.pipe()
    try:
        start = _forked if may_fork() else _started
        process = start(asked, told, timeout_s, memory_mb)
    except BaseException:
        os.close(questions)
        os.close(answers)
        raise
    finally:
        os.close(asked)
        os.close(told)
    return WorkerProcess(process, FileIO(questions, "wb"), FileIO(answers, "rb"))


def may_fork() -> bool:
    """Whether this process has one thread, of whatever kind, as the kernel counts (Linux; elsewhere nobody tells)."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _started(asked: int, told: int, timeout_s: float, memory_mb: int) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(part for part in (_SCRIPTS, os.environ.get("PYTHONPATH", "")) if part)
    arguments = map(str, (timeout_s, memory_mb, os.getpid()))
    return subprocess.Popen(
        # -P: nothing from the working directory is imported.
        [sys.executable, "-P", "-m", "omr.answers.equivalence_worker", *arguments],
        stdin=asked,
        stdout=told,
        env={**os.environ, "PYTHONPATH": path},
    )


def _forked(asked: int, told: int, timeout_s: float, memory_mb: int) -> BaseProcess:
    # It flushes our streams before the fork, and ends the child without what we would do at our end.
    import multiprocessing

    import omr.answers.equivalence_worker  # noqa: F401 - here, so that all workers share it

    arguments = (asked, told, timeout_s, memory_mb, os.getpid())
    process = multiprocessing.get_context("fork").Process(target=_serve_forked, args=arguments, daemon=True)
    process.start()
    return process


def _serve_forked(asked: int, told: int, timeout_s: float, memory_mb: int, parent: int) -> None:
    # Never collected: an object of our parent's would close a descriptor, or write what the parent writes too.
    gc.freeze()
    os.dup2(asked, 0)
    os.dup2(told, 1)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with suppress(OSError):  # that of the list itself
                os.close(int(name))
    # As deep a stack as a worker with a Python of its own has: which comparisons it refuses must not depend on ours.
    sys.setrecursionlimit(sys.getrecursionlimit() + sum(1 for _ in traceback.walk_stack(None)))
    from omr.answers.equivalence_worker import serve

    sys.exit(serve(timeout_s, memory_mb, parent))
