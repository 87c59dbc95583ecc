"""A model server that batches continuously, and the jobs that drain shards through it: what utilisation.py simulates.

A request is the number of tokens of its reply. Times are seconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace
from itertools import count, repeat
from statistics import NormalDist
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


# ---- requests ----------------------------------------------------------------------------------------------------
def draw_lengths(number: int, mean: float, spread: float, most: int, seed: int = 0) -> Floats:
    """Tokens of replies: log-normal, cut off at `most`, with this mean after the cut."""
    if not 0 < mean < most:
        raise ValueError(f"replies of at most {most} tokens cannot have a mean of {mean}")

    def mean_at(location: float) -> float:
        cut, normal = (math.log(most) - location) / spread, NormalDist()
        below = math.exp(location + spread**2 / 2) * normal.cdf(cut - spread)
        return below + most * (1 - normal.cdf(cut))

    low, high = math.log(mean) - spread**2, math.log(most) + 10 * spread
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_at(middle) < mean else (low, middle)
    drawn = np.random.default_rng(seed).lognormal(low, spread, number)
    return np.minimum(np.ceil(drawn), most)


# ---- one server --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Server:
    """A server with continuous batching: all requests that run advance at the same speed (tokens a second)."""

    tokens_per_second: float
    request_tokens_per_second: float
    slots: int  # requests that it runs at once; more wait
    start_s: float = 0.0
    stop_s: float = 0.0
    gradual: bool = False

    def speed(self, running: Floats) -> Floats:
        """Tokens a second of each of so many running requests."""
        if not self.gradual:
            return np.minimum(self.request_tokens_per_second, self.tokens_per_second / running)
        alone_s = 1 / self.request_tokens_per_second
        each_s = max(0.0, 1 / self.tokens_per_second - alone_s / self.slots)
        return 1 / (alone_s + each_s * running)

    def speed_of(self, running: int) -> float:
        """Tokens a second of each of so many running requests."""
        return float(self.speed(np.array([running], dtype=float))[0])

    @property
    def most_tokens_per_second(self) -> float:
        """What the server writes when all its slots are taken: the ideal."""
        return self.slots * self.speed_of(self.slots)


class Limit(NamedTuple):
    """Seconds until a job takes no new requests, and then until those in flight are abandoned."""

    asking_s: float
    grace_s: float


NO_LIMIT = Limit(math.inf, 0.0)


class Drained(NamedTuple):
    """What came of the requests of one job: seconds with all requests in flight that may be, and in the tail; tokens
    stored and abandoned, of them those of the tail; the requests' tokens that are left, in order; the longest wait."""

    full_s: float
    tail_s: float
    stored: float
    abandoned: float
    tail_tokens: float
    left: Floats
    longest_s: float


def drain(lengths: Floats, server: Server, concurrency: int, limit: Limit = NO_LIMIT) -> Drained:
    """Ask for replies of so many tokens each, in order, from a server that is up; the limit counts from now.

    Works on a clock that counts the tokens of one running request: a reply that begins at w ends at w + its length,
    however fast the server is meanwhile.
    """
    running = min(concurrency, server.slots, len(lengths))
    speed = server.speed_of(running)
    ends = lengths[:running].tolist()
    heap = sorted(ends)
    work, last_work = 0.0, limit.asking_s * speed
    for length in lengths[running:].tolist():
        if heap[0] > last_work:
            work = last_work
            break
        work = heap[0]
        ends.append(work + length)
        heapreplace(heap, work + length)
    tail_s, tail_end = _tail(np.sort(heap), work, server, limit.asking_s - work / speed + limit.grace_s)
    all_ends = np.array(ends)
    done, taken = all_ends <= tail_end, lengths[: len(ends)]
    tail_tokens = float(np.minimum(np.array(heap), tail_end).sum() - running * work)
    stored = float(taken[done].sum())
    left = np.concatenate([taken[~done], lengths[len(ends) :]])
    abandoned = running * work + tail_tokens - stored
    longest_s = _longest(all_ends, concurrency, work) / speed if work else tail_s
    return Drained(work / speed, tail_s, stored, abandoned, tail_tokens, left, longest_s)


def _tail(ends: Floats, work: float, server: Server, budget_s: float) -> tuple[float, float]:
    """Seconds in which the last requests end, at most the budget, and the clock then; `ends` are sorted."""
    speeds = server.speed(np.arange(len(ends), 0, -1, dtype=float))
    times = np.concatenate([[0.0], np.cumsum(np.diff(ends, prepend=work) / speeds)])
    if times[-1] <= budget_s:
        return float(times[-1]), math.inf
    done = int(np.searchsorted(times, budget_s, side="right")) - 1
    clock = float(ends[done - 1]) if done else work
    return budget_s, clock + float((budget_s - times[done]) * speeds[done])


def _longest(ends: Floats, concurrency: int, work: float) -> float:
    """The longest that a client waited for a reply until then, on the clock; it asks anew whenever a request ends."""
    asked = np.concatenate([np.zeros(concurrency), np.sort(ends)])[: len(ends)]
    return float((ends - asked)[ends <= work].max(initial=0.0))


# ---- jobs and the run --------------------------------------------------------------------------------------------
class Seconds(NamedTuple):
    """How a server's time was spent: on tokens that were stored, and lost; `slow` is what a node takes longer for them
    than the others."""

    stored: float
    starts: float
    few: float
    tail: float
    abandoned: float
    slow: float = 0.0

    @property
    def held(self) -> float:
        return sum(self)

    @property
    def utilisation(self) -> float:
        return self.stored / self.held


class Job(NamedTuple):
    """A shard: how each of its tries spent its time, the longest that a request waited, and how many of the tries
    another job's priority ended, which Slurm starts again by itself."""

    tries: list[Seconds]
    longest_s: float
    preempted: int = 0


def run_job(
    lengths: Floats,
    server: Server,
    concurrency: int,
    limit: Limit = NO_LIMIT,
    preempted_after_s: Iterator[float] | None = None,
) -> Job:
    """Drain a shard, with a new start after each time limit, which counts from the start, and after each preemption,
    which comes so long after a start and lets no request finish.

    Raises ValueError if a try would store no reply before its time limit.
    """
    tries, longest_s, preempted = [], 0.0, 0
    after = repeat(math.inf) if preempted_after_s is None else preempted_after_s
    while len(lengths):
        after_s = next(after)
        is_preempted = after_s < limit.asking_s
        if after_s <= server.start_s:
            tries.append(Seconds(0.0, after_s, 0.0, 0.0, 0.0))
            preempted += 1
            continue
        of_try = Limit(after_s, 0.0) if is_preempted else limit
        drained = drain(lengths, server, concurrency, of_try._replace(asking_s=of_try.asking_s - server.start_s))
        if len(drained.left) == len(lengths) and not is_preempted:
            raise ValueError("no reply ends before the time limit of a job")
        tries.append(_spent(drained, server))
        preempted += is_preempted and len(drained.left) > 0
        lengths, longest_s = drained.left, max(longest_s, drained.longest_s)
    return Job(tries, longest_s, preempted)


def beside_faster_ones(job: Job, factor: float) -> Job:
    """A job on a node of only `factor` of the others' speed, by what those would have needed for the same tokens."""
    tries = [
        spent._replace(stored=spent.stored * factor, slow=spent.slow + spent.stored * (1 - factor))
        for spent in job.tries
    ]
    return job._replace(tries=tries)


def _spent(drained: Drained, server: Server) -> Seconds:
    rate = server.most_tokens_per_second
    full_tokens = drained.stored + drained.abandoned - drained.tail_tokens
    few, tail = drained.full_s - full_tokens / rate, drained.tail_s - drained.tail_tokens / rate
    return Seconds(drained.stored / rate, server.start_s + server.stop_s, few, tail, drained.abandoned / rate)


def run_wall_s(jobs: Iterable[Sequence[float]], servers: int) -> float:
    """Seconds until all jobs are done, each given as the seconds of its tries, on so many servers at once."""
    waiting = deque(jobs)
    running: list[tuple[float, int, list[float]]] = []
    order, now = count(), 0.0
    while waiting or running:
        while waiting and len(running) < servers:
            seconds, *later = waiting.popleft()
            heappush(running, (now + seconds, next(order), later))
        now, _, later = heappop(running)
        if later:
            waiting.append(later)
    return now
