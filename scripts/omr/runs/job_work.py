"""How the work of a model stage lies on its jobs.

Rounds ask later seeds of fewer problems, and a job may ask for several seeds, so jobs of one stage differ: what a time
limit and tries must hold is the longest of them, and the starts of all are a sum over them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from omr.config.seeds import ends_of_rounds, rounds_apart, seed_blocks


class JobWork(NamedTuple):
    """Hours of work of one job, on average and of the longest, without starts (None where the speed is unknown); how
    often the longest must be started to do it (None: a start takes all of its time limit); starts of all jobs."""

    mean_h: float | None
    longest_h: float | None
    tries: int | None
    starts: int


def folder_shares(stage: str, recipe: Mapping[str, Any], asked: Sequence[float], folders: int) -> list[float]:
    """How much of a stage's work each of its folders of replies has, in any unit. `asked`: for each seed, the share of
    problems that are asked for that solution."""
    if not sum(asked):
        return [1.0] * folders
    if stage == "generate_solutions":
        return [sum(asked[seed] for seed in block.seeds) for block in seed_blocks(recipe)]
    if stage == "judge_answers":
        shares = [sum(asked[begin:end]) for begin, end in pairwise([0, *ends_of_rounds(recipe)])]
        # Behind rounds there is hardly anything left to ask.
        return [*shares, 0.0] if rounds_apart(recipe) else shares
    return [1.0] * folders


def job_work(work_h: float | None, shares: Sequence[float], shards: int, limit_h: float, start_h: float) -> JobWork:
    """The jobs of a stage whose servers work `work_h` hours in all: `shards` equal ones for each of `shares`, under a
    time limit of `limit_h` hours, in which each start of a server takes `start_h`."""
    if work_h is None:
        return JobWork(None, None, 1, shards * len(shares))
    jobs_h = [work_h * share / sum(shares) / shards for share in shares]
    tries = [_tries(job_h, limit_h - start_h) for job_h in jobs_h]
    longest = max(range(len(shares)), key=shares.__getitem__)
    # Without work a job starts no server.
    starts = shards * sum(1 if found is None else found for found, job_h in zip(tries, jobs_h, strict=True) if job_h)
    return JobWork(work_h / len(shares) / shards, jobs_h[longest], tries[longest], starts)


def _tries(job_h: float, work_of_try_h: float) -> int | None:
    if not job_h:
        return 1
    return math.ceil(job_h / work_of_try_h) if work_of_try_h > 0 else None
