"""What Snakemake's jobs are doing is read off its own objects."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from live_runs import Group
from live_runs import snakemake_job as job
from omr.live.jobs_file import RuleJobs
from omr.live.snakemake_jobs import SnakemakeJobs


def jobs_of(jobs: list[Any], done: set[Any], running: set[Any], failed: set[Any], needs: Any = None) -> SnakemakeJobs:
    dependencies = {one: (needs or {}).get(one, {}) for one in jobs}
    dag = SimpleNamespace(finished=lambda one: one in done, dependencies=dependencies)
    return SnakemakeJobs(jobs, dag, SimpleNamespace(running=running, failed=failed))


def test_each_job_is_counted_once_under_its_rule() -> None:
    a = [job("ask") for _ in range(5)]
    last = job("parse")
    a[2].attempt = 3
    seen = jobs_of([*a, last], done={a[0]}, running={a[1], a[2]}, failed={a[3]})
    counts = seen.counts()
    assert counts["ask"] == RuleJobs(total=5, done=1, running=2, failed=1, retried=1)
    assert (counts["ask"].waiting, counts["parse"].waiting) == (1, 1)
    assert seen.running_rules() == {"ask": 2}


def test_rules_stand_in_the_order_in_which_they_run() -> None:
    first, second, third = job("prepare"), job("ask"), job("parse")
    needs = {third: {second: {"f"}}, second: {first: {"g"}}}
    assert list(jobs_of([third, first, second], set(), set(), set(), needs).counts()) == ["prepare", "ask", "parse"]


def test_jobs_of_a_group_run_with_it() -> None:
    one, two = job("a"), job("b")
    assert jobs_of([one, two], set(), {Group((one, two))}, set()).running_rules() == {"a": 1, "b": 1}


def test_a_job_that_makes_nothing_is_for_what_it_says() -> None:
    talks, works = job("estimate", output=()), job("ask")
    assert jobs_of([talks, works], set(), {works}, set()).talked() == RuleJobs(total=1)
    assert jobs_of([talks, works], {works}, {talks}, set()).talked() == RuleJobs(total=1, running=1)
    assert jobs_of([talks, works], {works, talks}, set(), set()).talked() == RuleJobs(total=1, done=1)
    assert jobs_of([talks, works], set(), set(), set()).makes_files
    assert not jobs_of([talks], set(), set(), set()).makes_files
