"""The processes of `omr.stages.workers.ordered_map`."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import Any, TypeVar

from omr.errors import UserError
from omr.files import bytes_read

Item = TypeVar("Item")
Result = TypeVar("Result")

# The function that this worker process applies; set when the process starts.
_function: Callable[[Any], Any]


def mapped(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, most: int
) -> Generator[Result, None, None]:
    """See `ordered_map`; at most so many items are under way."""
    # Where there is no fork, the function is pickled once per worker.
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context(method), _start_worker, (function,))
    try:
        # All workers fork now: later, this process may hold threads that a fork would not survive.
        pool.submit(os.getpid).result()
        yield from _in_order(pool, items, most)
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process was killed, most likely for want of memory",
            remedy="give the job more memory, or fewer --workers",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, items: Iterable[Any], most: int) -> Iterator[Any]:
    pending: deque[Future[Any]] = deque()
    for item in items:
        pending.append(pool.submit(_apply, item))
        if len(pending) >= most:
            yield _told(pending.popleft())
    while pending:
        yield _told(pending.popleft())


def _told(done: Future[Any]) -> Any:
    result, read = done.result()
    bytes_read.add(read)
    return result


def _start_worker(function: Callable[[Any], Any]) -> None:
    global _function  # noqa: PLW0603 - a worker process has one function for all its life
    _function = function
    bytes_read.taken()  # what the parent had read when it forked
    # Ctrl-C reaches the whole process group: the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    # A killed parent cannot tell its workers to stop, and they would wait for work forever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _apply(item: Any) -> tuple[Any, Counter[str]]:
    result = _function(item)
    return result, bytes_read.taken()
