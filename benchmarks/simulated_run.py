"""A full run of a recipe's solutions under one set of assumptions: its jobs, tries and losses (see utilisation.py)."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from omr.asking.draining import Drain
from omr.config.seeds import seed_blocks
from omr.models.resources import WARNING_S
from omr.runs.job_work import folder_shares
from omr.runs.published_ratios import TOKENS
from serving_model import (
    Floats,
    Job,
    Limit,
    Seconds,
    Server,
    beside_faster_ones,
    draw_lengths,
    run_job,
    run_wall_s,
)

#: The dataset's rows of 22 KB are 7,333 tokens at 3 bytes each; what is estimated includes wrong, longer solutions.
PROMPT_TOKENS, MEAN_TOKENS = TOKENS["generate_solutions"]


@dataclass(frozen=True)
class Assumed:
    """What a model's server is taken to do. `tokens_per_second` is that of a full server; a request alone is written at
    `request_tokens_per_second`. `cache_tokens`: prompts and replies that run at once fit into so many tokens."""

    tokens_per_second: float
    request_tokens_per_second: float
    cache_tokens: float
    start_min: float = 0.0  # config says it, see `assumptions`
    stop_min: float = 0.5
    mean_tokens: float = MEAN_TOKENS
    spread: float = 0.6  # standard deviation of the logarithm of a reply's tokens
    gradual: float = 0  # 1: speed falls from the second request on, instead of only where the server's rate is reached
    slow_share: float = 0.0  # of the nodes, and how fast those are beside the others
    slow_factor: float = 0.7
    preempted_h: float = math.inf  # a job is preempted after so many hours on average


@dataclass(frozen=True)
class Plan:
    """A recipe as config has it, and the run around it."""

    recipe: str
    model: str
    problems: int
    seeds: int
    shards: int
    concurrency: int
    max_tokens: int
    runtime_min: float
    request_timeout_s: float
    max_tries: int  # of a job, as the profile grants
    servers: int
    samples: int  # shards that are simulated; the others are taken to be like them
    asked: tuple[float, ...] = ()  # of each job of a shard: solutions per problem; empty: a job per seed, for all
    of_seeds: tuple[float, ...] = ()  # per seed, the share of problems that are asked for it
    settings: Mapping[str, Any] = field(default_factory=dict)  # the recipe's, in config

    @property
    def work(self) -> tuple[float, ...]:
        """Solutions per problem of a shard that each of its jobs asks for."""
        return self.asked or (1.0,) * self.seeds


def work_of_jobs(recipe: Mapping[str, Any], asked: Sequence[float]) -> tuple[float, ...]:
    """Solutions per problem that each job of a shard asks for."""
    shares = folder_shares("generate_solutions", recipe, asked, len(seed_blocks(recipe)))
    return tuple(round(share, 3) for share in shares)


class Run(NamedTuple):
    """A simulated run: the server time of all jobs, its parts, and what makes it fail."""

    seconds: Seconds
    jobs: int
    starts: int
    most_tries: int
    longest_s: float
    wall_s: float
    idle: float

    def faults(self, plan: Plan) -> str:
        """Marks: too many tries, requests that time out."""
        return "†" * (self.most_tries > plan.max_tries) + "‡" * (self.longest_s > plan.request_timeout_s)


def server_of(assumed: Assumed, lengths: Floats) -> Server:
    """The server; a running request holds its prompt and on average half of a reply, long ones for longer."""
    held = PROMPT_TOKENS + float((lengths**2).mean() / lengths.mean() / 2)
    rates = assumed.tokens_per_second, assumed.request_tokens_per_second
    seconds = assumed.start_min * 60, assumed.stop_min * 60
    return Server(*rates, max(1, int(assumed.cache_tokens / held)), *seconds, bool(assumed.gradual))


@dataclass
class Simulation:
    """Runs of one recipe under one set of assumptions."""

    plan: Plan
    assumed: Assumed
    lengths: Floats = field(init=False)
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        self.lengths = draw_lengths(
            self.plan.problems, self.assumed.mean_tokens, self.assumed.spread, self.plan.max_tokens
        )
        self.server = server_of(self.assumed, self.lengths)

    def run(self, shards: int, concurrency: int, runtime_min: float) -> Run:
        """All seeds of the recipe."""
        limit = Limit(runtime_min * 60 - WARNING_S, Drain.grace_s)
        # Shards follow from hashes of ids, so their sizes vary.
        sizes = np.random.default_rng(shards).multinomial(len(self.lengths), [1 / shards] * shards)
        parts = np.split(self.lengths, np.cumsum(sizes)[:-1])[: self.plan.samples]
        jobs: list[Job] = []
        for asked, seeds in Counter(self.plan.work).items():
            asking = [np.resize(part, round(len(part) * asked)) for part in parts]
            sample = [self._job(part, concurrency, limit, draw) for draw in self._draws for part in asking if len(part)]
            slow = round(shards * seeds * self.assumed.slow_share)
            jobs += islice(cycle(sample), shards * seeds - slow)
            if slow:
                jobs += islice(cycle([self._slow_job(part, concurrency, limit) for part in asking if len(part)]), slow)
        number = len(jobs)
        total = Seconds(*np.sum([spent for job in jobs for spent in job.tries], axis=0).tolist())
        wall_s = run_wall_s(([spent.held for spent in job.tries] for job in jobs), self.plan.servers)
        starts, most_tries = sum(len(job.tries) for job in jobs), max(len(job.tries) - job.preempted for job in jobs)
        idle = 1 - total.held / (wall_s * self.plan.servers)
        return Run(total, number, starts, most_tries, max(job.longest_s for job in jobs), wall_s, idle)

    @property
    def _draws(self) -> range:
        """Jobs that are alike but for when they are preempted."""
        return range(1 if math.isinf(self.assumed.preempted_h) else 16)

    def _job(self, lengths: Floats, concurrency: int, limit: Limit, draw: int, server: Server | None = None) -> Job:
        mean_s = self.assumed.preempted_h * 3600
        if math.isinf(mean_s):
            return run_job(lengths, server or self.server, concurrency, limit)
        rng = np.random.default_rng((len(lengths), draw))
        after_s = (float(rng.exponential(mean_s)) for _ in repeat(None))
        return run_job(lengths, server or self.server, concurrency, limit, after_s)

    def _slow_job(self, lengths: Floats, concurrency: int, limit: Limit) -> Job:
        factor, fast = self.assumed.slow_factor, self.server
        rates = fast.tokens_per_second * factor, fast.request_tokens_per_second * factor
        slow = replace(fast, tokens_per_second=rates[0], request_tokens_per_second=rates[1])
        return beside_faster_ones(self._job(lengths, concurrency, limit, 0, slow), factor)

    def default(self) -> Run:
        return self.run(self.plan.shards, self.plan.concurrency, self.plan.runtime_min)
