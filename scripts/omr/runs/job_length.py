"""How long a job should be: it loads its model first, and loses the less by that the more it then has to do.

Ends of jobs, when few requests are left, take about one per cent more (benchmarks/utilisation.py simulates both).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from omr.config.recipes import Recipes
from omr.config.seeds import ends_of_rounds, seed_blocks, seeds_per_job
from omr.runs.estimation import Estimate, StageEstimate
from omr.runs.job_work import folder_shares

#: The share of GPUs' time that starts may take.
MOST_LOST = 0.03
#: A stage with less than this share of all GPU-hours is not worth a word.
_LEAST_SHARE = 0.005
#: Tries of a job in profiles/slurm, of which one may fail; and room in a time limit for shards that are a little larger
#: than others.
TRIES, _ROOM = 4, 1.05


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


@dataclass(frozen=True)
class LongJob:
    """A stage whose longest job, of `longest_h` hours, is not done in one try of `allowed_h`. Under a time limit of
    `limit_min` minutes it is, within its tries, if one of them fails."""

    stage: StageEstimate
    longest_h: float
    allowed_h: float
    limit_min: int


def work_of_start(start_min: float) -> float:
    """Hours that a job should work for each time that it loads its model."""
    return start_min / 60 * (1 - MOST_LOST) / MOST_LOST


def jobs_worth(work_h: float, start_min: float) -> int:
    """In how many jobs so much work is done without losing more than that to starts; at least one."""
    return max(1, math.floor(work_h / work_of_start(start_min))) if start_min else math.ceil(max(work_h, 1.0))


def limit_worth(job_h: float, start_min: float, limit_h: float) -> float:
    """A time limit in hours, this one or a longer one, under which the longest job, which works so long, loses no more
    than that to starts, and is done within its tries if one of them fails.

    A job that is stopped starts anew: one of 30 hours in two tries of 24 loses two starts, in one of 32 hours one.
    """
    start_h, most = start_min / 60, TRIES - 1
    if limit_h > start_h:
        starts = math.ceil(job_h / (limit_h - start_h))
        if starts * start_h <= MOST_LOST * (job_h + starts * start_h) and starts <= most:
            return limit_h
    worth = math.floor(job_h / work_of_start(start_min)) if start_min else most
    return max(limit_h, job_h / max(1, min(worth, most)) * _ROOM + start_h)


def long_jobs(stages: Iterable[StageEstimate]) -> Iterator[LongJob]:
    """Stages that have still to run and whose longest job takes several tries, each of which loads the server again."""
    for stage in stages:
        longest, allowed = stage.longest_job_hours, stage.hours_allowed
        if stage.basis == "counted" or longest is None or allowed is None or stage.tries == 1:
            continue
        limit_h = limit_worth(longest, stage.start_min or 0.0, allowed)
        yield LongJob(stage, longest, allowed, _minutes(limit_h))


def _minutes(hours: float) -> int:
    """Whole minutes that last so long."""
    return math.ceil(hours * 60 - 1e-6)


def starts_of_models(stages: Iterable[StageEstimate]) -> Iterator[ModelStarts]:
    """For each model whose servers are still to be started: how long its jobs should be."""
    told = set[str]()
    for stage in stages:
        start_min, allowed_h = stage.start_min, stage.hours_allowed
        if stage.basis == "counted" or not start_min or not allowed_h or not stage.start_hours or stage.model in told:
            continue
        told.add(stage.model)
        work_h = work_of_start(start_min)
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
        enough = jobs_worth(stage.jobs * stage.hours_per_job, stage.start_min or 0.0)
        if enough < stage.jobs or stage.tries != 1:  # else there is nothing to be done about it
            yield ShortJobs(stage, lost, min(enough, stage.jobs))


#: What a recipe's `shards` and `seeds_per_job` follow from: its largest stage.
_LARGEST = ("generate_solutions", "select_solutions")


#: Keys of config: section -> recipe or model -> key -> value.
Suggestion = dict[str, dict[str, dict[str, Any]]]


def longer_jobs(recipe: Mapping[str, Any], jobs: int) -> dict[str, Any]:
    """Keys of a recipe that solves problems, with which so many jobs, or fewer, ask for its solutions: more seeds in a
    job, and where all of a round are in one already, fewer shards. Empty where there are no more jobs as it is."""
    shards, found = recipe["shards"], dict[str, Any]()
    lengths = [end - begin for begin, end in pairwise([0, *ends_of_rounds(recipe)])]
    sizes = seeds_per_job(recipe)
    blocks = len(seed_blocks(recipe))
    for factor in range(2, max(lengths) + 1):
        if blocks * shards <= jobs or blocks == len(lengths):
            break
        longer = [min(size * factor, length) for size, length in zip(sizes, lengths, strict=True)]
        found = {"seeds_per_job": longer[0] if len(set(longer)) == 1 else longer}
        blocks = len(seed_blocks({**recipe, **found}))
    fewer = max(1, jobs // blocks)
    return found if blocks * shards <= jobs or fewer >= shards else found | {"shards": fewer}


def suggested(found: Estimate, recipes: Recipes) -> Suggestion:
    """What config should say instead, so that jobs are as long as their starts ask for: an overlay, empty where nothing
    is to be changed.

    Of recipes that have no solutions yet: in files of other names, what is there would be asked for again.
    """
    suggestion: Suggestion = {"recipes": {}, "models": {}}
    for short in short_jobs(found.stages):
        stage = short.stage
        if stage.recipe is None or stage.stage not in _LARGEST or stage.done_requests:
            continue
        recipe = recipes[stage.recipe]
        if stage.stage == "generate_solutions":
            changes = longer_jobs(recipe, short.jobs)
        else:
            fewer = max(1, recipe["shards"] * short.jobs // stage.jobs)
            changes = {"shards": fewer} if fewer < recipe["shards"] else {}
        if changes:
            suggestion["recipes"][stage.recipe] = changes
    asked = {one.recipe: one.asked for one in found.yields}
    for stage in found.stages:
        start_min, allowed_h, job_h = stage.start_min, stage.hours_allowed, stage.longest_job_hours
        if stage.stage not in _LARGEST or stage.basis == "counted" or not (start_min and allowed_h and job_h):
            continue
        name = stage.recipe or ""
        if name in suggestion["recipes"]:
            job_h = longest_job(stage, {**recipes[name], **suggestion["recipes"][name]}, asked.get(name, ()))
        limit_min = _minutes(limit_worth(job_h, start_min, allowed_h))
        if limit_min > max(allowed_h * 60, suggestion["models"].get(stage.model, {"runtime_min": 0})["runtime_min"]):
            suggestion["models"][stage.model] = {"runtime_min": limit_min}
    return {name: changes for name, changes in suggestion.items() if changes}


def longest_job(stage: StageEstimate, recipe: Mapping[str, Any], asked: Sequence[float]) -> float:
    """Hours of work of a stage's longest job, if its recipe were this one. `asked`: see `folder_shares`."""
    folders = len(seed_blocks(recipe)) if stage.stage == "generate_solutions" else 1
    shares = folder_shares(stage.stage, recipe, asked, folders)
    return stage.jobs * (stage.hours_per_job or 0.0) * max(shares) / sum(shares) / int(recipe["shards"])
