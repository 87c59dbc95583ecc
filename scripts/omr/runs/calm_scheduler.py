"""Lets Snakemake's scheduler look for jobs to start as often as that may help, and not over and over.

Whenever it has looked while jobs wait, Snakemake 9.27.1 sets an alarm for another look, at the end of the timespan of
`--max-jobs-per-timespan` (by default a second), and each look that follows an alarm sets the next. So every job that
ends begins another chain of alarms, which goes on until nothing waits: after a hundred jobs there are a hundred looks a
second, each of which asks for the size of every file that the waiting jobs read, and on a cluster solves a linear
program. One alarm at a time does what they are for: at the end of the timespan where as many jobs were started as may
be in one, and else not sooner than after a few seconds, since a job that ends makes the scheduler look anyway.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

_LEAST_S = 5.0


class OneAlarm:
    """Releases `waiting` once a delay is over: of `least_s` at least, unless `is_at_limit` says that a timespan has had
    all the jobs that it may. While an alarm is set, others are not, but for sooner ones in its place."""

    def __init__(
        self,
        waiting: threading.Semaphore,
        least_s: float = _LEAST_S,
        is_at_limit: Callable[[], bool] = lambda: False,
    ) -> None:
        self._waiting, self._least_s, self._is_at_limit = waiting, least_s, is_at_limit
        self._lock = threading.Lock()
        self._alarm: threading.Timer | None = None
        self._rings_at_s = 0.0

    def __call__(self, delay_s: float) -> None:
        wait_s = delay_s if self._is_at_limit() else max(delay_s, self._least_s)
        rings_at_s = time.monotonic() + wait_s
        with self._lock:
            if self._alarm is not None:
                if self._rings_at_s <= rings_at_s:
                    return
                self._alarm.cancel()
            self._alarm, self._rings_at_s = threading.Timer(wait_s, self._ring), rings_at_s
            self._alarm.daemon = True  # a run that is over does not wait for it
            self._alarm.start()

    def _ring(self) -> None:
        with self._lock:
            if threading.current_thread() is self._alarm:  # else a sooner one took its place as it began to ring
                self._alarm = None
        self._waiting.release()


def calm(scheduler: Any) -> None:
    """From now on Snakemake's scheduler, the one of a run that begins, sets one alarm at a time."""
    if hasattr(scheduler, "_schedule_reevalutation") and hasattr(scheduler, "_open_jobs"):
        limiter = getattr(scheduler, "job_rate_limiter", None)
        scheduler._schedule_reevalutation = OneAlarm(
            scheduler._open_jobs, is_at_limit=lambda: limiter is not None and not limiter.get_free_jobs()
        )
