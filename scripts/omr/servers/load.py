"""How busy a model server is, as it says itself at `/metrics` in the text format of Prometheus."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

#: A sample: name, labels or nothing, value. Comments begin with `#`, which no name does.
_SAMPLE = re.compile(rb"^([A-Za-z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)", re.MULTILINE)


class Load(NamedTuple):
    """What a server does at one time, and has done since it began (`preempted` and tokens)."""

    running: float  # requests
    waiting: float  # requests that have no room yet
    cache_used: float  # share of the room for keys and values, 0 to 1
    preempted: float  # requests that lost their room; what they had is computed again
    prompt_tokens: float
    completion_tokens: float

    def __str__(self) -> str:
        return (
            f"at the server {self.running:.0f} run and {self.waiting:.0f} wait, its cache is {self.cache_used:.0%} full"
        )


class LoadMetrics(NamedTuple):
    """The names under which a server tells its load; `name{label="value"}` takes only samples with that label.

    Several engines of one server give a sample each: they are added, but for the share of the cache.
    """

    running: str
    waiting: str
    cache_used: str
    preempted: str
    prompt_tokens: str
    completion_tokens: str

    def read(self, text: bytes) -> Load | None:
        """The load in an answer to `/metrics`; None if a gauge is missing (a counter may not have begun)."""
        samples = [(name, labels, _number(value)) for name, labels, value in _SAMPLE.findall(text)]
        gauges = [_found(metric, samples) for metric in (self.running, self.waiting, self.cache_used)]
        if not all(gauges):
            return None
        running, waiting, cache = gauges
        counters = (self.preempted, self.prompt_tokens, self.completion_tokens)
        return Load(
            sum(running), sum(waiting), sum(cache) / len(cache), *(sum(_found(metric, samples)) for metric in counters)
        )


def _found(metric: str, samples: list[tuple[bytes, bytes, float]]) -> list[float]:
    name, _, label = metric.encode().partition(b"{")
    wanted = label.removesuffix(b"}")
    return [value for found, labels, value in samples if found == name and wanted in labels and math.isfinite(value)]


def _number(value: bytes) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan
