"""How long a job should be: it loads its model first, and loses the less by that the more it then has to do.

Ends of jobs, when few requests are left, take about one per cent more (benchmarks/utilisation.py simulates both).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from omr.runs.estimation import StageEstimate

#: The share of GPUs' time that starts may take.
MOST_LOST = 0.04
#: A stage with less than this share of all GPU-hours is not worth a word.
_LEAST_SHARE = 0.005


@dataclass(frozen=True)
class ModelStarts:
    """A model whose jobs must be long: a start takes `start_min` minutes, so a job should work for `work_h` hours of
    each start, which takes a time limit of `limit_h` at least, where it is `allowed_h`."""

    model: str
    start_min: float
    work_h: float
    limit_h: float
    allowed_h: float

    @property
    def least_lost(self) -> float:
        """What starts take at least under the time limit as it is: the share of GPUs' time."""
        return min(1.0, self.start_min / 60 / self.allowed_h)


@dataclass(frozen=True)
class ShortJobs:
    """A stage whose jobs have too little to do for a start: `lost` of its GPUs' time, `jobs` would be enough."""

    stage: StageEstimate
    lost: float
    jobs: int


def starts_of_models(stages: Iterable[StageEstimate]) -> Iterator[ModelStarts]:
    """For each model whose servers are still to be started: how long its jobs should be."""
    told = set[str]()
    for stage in stages:
        start_min, allowed_h = stage.start_min, stage.hours_allowed
        if stage.basis == "counted" or not start_min or not allowed_h or not stage.start_hours or stage.model in told:
            continue
        told.add(stage.model)
        work_h = start_min / 60 * (1 - MOST_LOST) / MOST_LOST
        yield ModelStarts(stage.model, start_min, work_h, work_h + start_min / 60, allowed_h)


def short_jobs(stages: Iterable[StageEstimate]) -> Iterator[ShortJobs]:
    """Stages to come in which starts take more than they should, and more than nothing of the whole."""
    stages = list(stages)
    total = sum(stage.gpu_hours or 0.0 for stage in stages)
    for stage in stages:
        if stage.basis == "counted" or not stage.gpu_hours or not stage.start_hours or not stage.hours_per_job:
            continue
        lost = stage.start_hours / stage.gpu_hours
        if lost <= MOST_LOST or stage.start_hours < _LEAST_SHARE * total:
            continue
        work_h = (stage.start_min or 0.0) / 60 * (1 - MOST_LOST) / MOST_LOST
        enough = max(1, math.floor(stage.jobs * stage.hours_per_job / work_h))
        if enough < stage.jobs or stage.tries > 1:  # else there is nothing to be done about it
            yield ShortJobs(stage, lost, min(enough, stage.jobs))
