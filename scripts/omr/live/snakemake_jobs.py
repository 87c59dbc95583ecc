"""The jobs of one call of Snakemake, asked of the process that runs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from omr.live.jobs_file import RuleJobs


class SnakemakeJobs:
    """What its jobs are doing. Snakemake's own objects are only read, which any thread may do."""

    def __init__(self, jobs: Iterable[Any], dag: Any, scheduler: Any) -> None:
        """`jobs`: those that it is to run."""
        self._dag, self._scheduler = dag, scheduler
        self._jobs = list(jobs)
        self._order = _in_running_order(self._jobs, dag)

    @property
    def makes_files(self) -> bool:
        """Whether it makes anything; else it only tells something."""
        return any(job.output for job in self._jobs)

    def counts(self) -> dict[str, RuleJobs]:
        """The jobs of each rule, rules in the order in which they begin."""
        rules = {rule: RuleJobs() for rule in self._order}
        running, failed = self._running(), set(self._scheduler.failed)
        for job in self._jobs:
            of_rule = rules[job.rule.name]
            of_rule.total += 1
            of_rule.retried += job.attempt > 1
            if self._dag.finished(job):
                of_rule.done += 1
            elif job in running:
                of_rule.running += 1
            elif job in failed:
                of_rule.failed += 1
        return rules

    def running_rules(self) -> Counter[str]:
        """The rules whose jobs run, and how many."""
        return Counter(job.rule.name for job in self._running())

    def talked(self) -> RuleJobs:
        """The jobs that make nothing: what they say is what they are for. Of a mere name for files there is nothing to
        hear."""
        running = self._running()
        talkers = [job for job in self._jobs if not job.output]
        done = sum(self._dag.finished(job) for job in talkers)
        return RuleJobs(len(talkers), done, sum(job in running for job in talkers))

    def _running(self) -> set[Any]:
        return {job for item in set(self._scheduler.running) for job in (item if item.is_group() else (item,))}


def _in_running_order(jobs: list[Any], dag: Any) -> list[str]:
    """Their rules, each behind those that it needs as far as that can be."""
    order: dict[str, None] = {}
    known = set(jobs)
    seen = set[Any]()
    for last in jobs:
        stack = [(last, False)]
        while stack:
            job, is_ready = stack.pop()
            if is_ready:
                order.setdefault(job.rule.name)
            elif job not in seen:
                seen.add(job)
                stack.append((job, True))
                stack += [(needed, False) for needed in dag.dependencies[job] if needed in known]
    return list(order)
