"""Snakemake's scheduler is told to look again once per delay, however often it asks for it."""

from __future__ import annotations

import inspect
import threading
import time

from omr.runs.calm_scheduler import OneAlarm, calm
from snakemake.scheduling.job_scheduler import JobRateLimiter, JobScheduler
from snakemake.settings.types import MaxJobsPerTimespan


def test_alarms_that_are_set_while_one_is_ring_once_and_then_another_can_be_set():
    waiting = threading.Semaphore(0)
    alarm = OneAlarm(waiting, least_s=0.0)
    for _ in range(50):
        alarm(0.05)
    assert waiting.acquire(timeout=20)
    alarm(0.0)
    assert waiting.acquire(timeout=20)
    time.sleep(0.1)
    assert not waiting.acquire(blocking=False)


def test_a_limit_on_jobs_that_is_reached_is_looked_at_again_when_its_timespan_ends():
    """`--max-jobs-per-timespan 10/1s` starts ten jobs a second, also where an alarm for much later was set before."""

    class Scheduler:
        def __init__(self) -> None:
            self._open_jobs = threading.Semaphore(0)
            self.job_rate_limiter = JobRateLimiter(MaxJobsPerTimespan.parse_choice("10/1s"))

        def _schedule_reevalutation(self, delay: int) -> None:
            raise AssertionError

    scheduler = Scheduler()
    calm(scheduler)
    alarm = scheduler._schedule_reevalutation
    alarm._least_s = 3600.0
    alarm(0)
    late = alarm._alarm
    assert late.interval == 3600.0
    scheduler.job_rate_limiter.register_jobs(10)
    alarm(0)
    assert scheduler._open_jobs.acquire(timeout=60)
    assert late.finished.is_set()
    assert not scheduler._open_jobs.acquire(blocking=False)


def test_nothing_waits_for_an_alarm_at_the_end_of_a_run():
    before = set(threading.enumerate())
    OneAlarm(threading.Semaphore(0))(3600.0)
    (alarm,) = set(threading.enumerate()) - before
    assert alarm.daemon
    alarm.cancel()


def test_the_pinned_snakemake_sets_its_alarms_where_they_are_replaced():
    source = inspect.getsource(JobScheduler.schedule)
    assert "self._schedule_reevalutation(" in source
    assert "self._open_jobs.acquire()" in source

    class Scheduler:
        _open_jobs = threading.Semaphore(0)

        def _schedule_reevalutation(self, delay: int) -> None:
            raise AssertionError

    scheduler = Scheduler()
    calm(scheduler)
    scheduler._schedule_reevalutation(0)
    assert scheduler._open_jobs.acquire(timeout=60)


def test_a_snakemake_that_works_otherwise_is_left_as_it_is():
    other = object()
    calm(other)
    assert not hasattr(other, "_schedule_reevalutation")
