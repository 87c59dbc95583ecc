"""What a server did while a job had as many requests there as it may: is `concurrency` right, and how fast is it?

At the beginning and at the end of a job the server has less to do, which says nothing about either.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from omr.servers.load import Load

#: Less than this is no measurement.
ENOUGH_S = 60.0
#: From these shares on, requests wait for room, and the cache counts as full.
_SOME_WAIT = 0.05
_FULL_CACHE = 0.75


@dataclass
class FullLoad:
    """Sums over the time at full load, in seconds of one server: they may be added up over jobs.

    `running_s`, `waiting_s`: seconds times requests; `cache_s`: seconds times the share of the cache in use.
    """

    seconds: float = 0.0
    running_s: float = 0.0
    waiting_s: float = 0.0
    cache_s: float = 0.0
    preempted: float = 0.0
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0

    @classmethod
    def read(cls, found: Any) -> FullLoad:
        """From what `as_json` gave; anything else is no time at all."""
        values = [found.get(item.name) for item in fields(cls)] if isinstance(found, dict) else []
        good = [value for value in values if isinstance(value, int | float) and math.isfinite(value) and value >= 0]
        return cls(*good) if len(good) == len(fields(cls)) else cls()

    def as_json(self) -> dict[str, float]:
        return {name: round(value, 3) for name, value in asdict(self).items()}

    def add(self, other: FullLoad) -> None:
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    def add_between(self, before: Load, after: Load, seconds: float) -> None:
        """Add the time between two answers of the server, as if its figures had changed evenly.

        A server that was started again in between counts from zero: that time is left out.
        """
        did = [
            getattr(after, name) - getattr(before, name) for name in ("preempted", "prompt_tokens", "completion_tokens")
        ]
        if min(did) < 0:
            return
        means = [(getattr(before, name) + getattr(after, name)) / 2 for name in ("running", "waiting", "cache_used")]
        self.add(FullLoad(seconds, *(mean * seconds for mean in means), *did))

    @property
    def is_enough(self) -> bool:
        """Whether it was long enough to say something."""
        return self.seconds >= ENOUGH_S

    @property
    def running(self) -> float:
        return self.running_s / self.seconds

    @property
    def waiting(self) -> float:
        return self.waiting_s / self.seconds

    @property
    def cache_used(self) -> float:
        return self.cache_s / self.seconds

    def __str__(self) -> str:
        """A sentence, without its full stop."""
        return (
            f"at full load for {self.seconds:.0f} s: {self.running:.0f} requests ran at the server and "
            f"{self.waiting:.0f} waited, its cache was {self.cache_used:.0%} full, {self.preempted:.0f} requests lost "
            f"their room there, {self.completion_tokens / self.seconds:.0f} completion tokens/s"
        )

    @property
    def advice(self) -> str | None:
        """What could be better in the model's entry in config; None if nothing or if it was too short to tell."""
        if not self.is_enough or self.running < 1:
            return None
        some_wait = self.waiting > _SOME_WAIT * self.running
        if self.cache_used < _FULL_CACHE:
            if some_wait:
                return (
                    "the server takes no more at once although its cache has room: raise its own limit in `args` "
                    "(--max-num-seqs of vLLM, --max-running-requests of SGLang)"
                )
            most = self.running * _FULL_CACHE / max(self.cache_used, 0.01)
            return f"the cache has room: raise `concurrency`, to {_round(most)} or less"
        if self.waiting > self.running:
            return (
                f"most requests only wait at the server: lower `concurrency`, to {_round(1.2 * self.running)} or more"
            )
        return None


def _round(requests: float) -> int:
    """To two digits: more would look like knowledge."""
    step: int = 10 ** max(0, math.floor(math.log10(requests)) - 1)
    return round(requests / step) * step
