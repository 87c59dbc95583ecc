"""Lets Snakemake's scheduler look for jobs to start as often as that may help, and not over and over.

Whenever it has looked while jobs wait, Snakemake 9.27.1 sets an alarm for another look, at the end of the timespan of
`--max-jobs-per-timespan` (by default a second), and each look that follows an alarm sets the next. So every job that
ends begins another chain of alarms, which goes on until nothing waits: after a hundred jobs there are a hundred looks a
second, each of which asks for the size of every file that the waiting jobs read, and on a cluster solves a linear
program. One alarm at a time, and not sooner than after a few seconds, does what they are for: a job that ends makes the
scheduler look anyway.
"""

from __future__ import annotations

import threading
from typing import Any

_LEAST_S = 5.0


class OneAlarm:
    """Releases `waiting` once a delay is over, of `least_s` at least; while an alarm is set, others are not."""

    def __init__(self, waiting: threading.Semaphore, least_s: float = _LEAST_S) -> None:
        self._waiting, self._least_s = waiting, least_s
        self._lock, self._is_set = threading.Lock(), False

    def __call__(self, delay_s: float) -> None:
        with self._lock:
            if self._is_set:
                return
            self._is_set = True
        alarm = threading.Timer(max(delay_s, self._least_s), self._ring)
        alarm.daemon = True  # a run that is over does not wait for it
        alarm.start()

    def _ring(self) -> None:
        with self._lock:
            self._is_set = False
        self._waiting.release()


def calm(scheduler: Any) -> None:
    """From now on Snakemake's scheduler, the one of a run that begins, sets one alarm at a time."""
    if hasattr(scheduler, "_schedule_reevalutation") and hasattr(scheduler, "_open_jobs"):
        scheduler._schedule_reevalutation = OneAlarm(scheduler._open_jobs)
