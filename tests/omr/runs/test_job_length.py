"""How long a job should be follows from how long its server takes to start."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from omr.runs.estimation import StageEstimate
from omr.runs.job_length import (
    MOST_LOST,
    TRIES,
    jobs_worth,
    limit_worth,
    long_jobs,
    longer_jobs,
    short_jobs,
    starts_of_models,
    work_of_start,
)


def stage(
    name: str = "generate_solutions", *, start_min: float | None = 30.0, jobs: int = 10, work_h: float = 2.0
) -> StageEstimate:
    """Jobs of one GPU with as many tries as starts."""
    starts_h = None if start_min is None else jobs * start_min / 60
    return StageEstimate(
        stage=name,
        recipe="cot",
        model="m",
        requests=100,
        prompt_tokens=0,
        completion_tokens=0,
        disk_bytes=0,
        gpu_hours=jobs * work_h + (starts_h or 0.0),
        usd=None,
        basis="assumed",
        done_requests=0,
        jobs=jobs,
        tries=1,
        start_hours=starts_h,
        hours_per_job=work_h,
        longest_job_hours=work_h,
        hours_allowed=24.0,
        start_min=start_min,
    )


@pytest.mark.parametrize("start_min", [1.0, 10.0, 45.0, 90.0])
def test_a_job_that_works_as_long_as_is_told_loses_what_is_allowed_to_its_start(start_min: float) -> None:
    (told,) = starts_of_models([stage(start_min=start_min)])
    assert start_min / 60 / (start_min / 60 + told.work_h) == pytest.approx(MOST_LOST)
    assert told.limit_h == pytest.approx(told.work_h + start_min / 60)
    assert told.least_lost == pytest.approx(start_min / 60 / 24)


def test_each_model_is_told_once_and_only_where_its_starts_are_known_and_to_come() -> None:
    stages = [
        stage(),
        stage("judge_answers"),
        replace(stage(), model="n", start_min=None),
        replace(stage(), model="o", basis="counted"),
    ]
    assert [told.model for told in starts_of_models(stages)] == ["m"]


def test_stages_whose_jobs_are_too_short_are_told_how_many_would_do() -> None:
    # Half an hour of start for two of work: 20%. In all 20 hours of work, of which a job should have 16.
    (short,) = short_jobs([stage()])
    assert (short.lost, short.jobs) == (pytest.approx(0.2), 1)
    (short,) = short_jobs([stage(jobs=60)])
    assert short.jobs == 7
    assert list(short_jobs([stage(work_h=16.2)])) == []


def test_one_job_in_one_try_cannot_be_made_longer_but_one_in_several_can() -> None:
    assert list(short_jobs([stage(jobs=1)])) == []
    (short,) = short_jobs([replace(stage(jobs=1), tries=3)])
    assert short.jobs == 1


def test_a_stage_that_is_nothing_of_the_whole_is_not_worth_a_word() -> None:
    assert [short.stage.stage for short in short_jobs([stage("small", jobs=1), stage(jobs=1000, work_h=50.0)])] == []


def test_what_has_run_or_is_unknown_is_not_told() -> None:
    unknown = replace(stage(), gpu_hours=None, hours_per_job=None, longest_job_hours=None)
    assert list(short_jobs([unknown, replace(stage(), basis="counted"), stage(start_min=None)])) == []


@pytest.mark.parametrize("start_min", [1.0, 20.0, 60.0])
@pytest.mark.parametrize("job_h", [0.1, 5.0, 23.0, 24.0, 33.0, 62.0, 200.0])
def test_under_the_limit_that_is_worth_it_no_job_loses_more_to_starts_than_it_must(
    start_min: float, job_h: float
) -> None:
    start_h, limit_h = start_min / 60, limit_worth(job_h, start_min, 24.0)
    assert limit_h >= 24.0
    tries = math.ceil(job_h / (limit_h - start_h))
    assert tries + 1 <= TRIES  # one of them may fail
    assert job_h / tries >= min(job_h, work_of_start(start_min)) * (1 - 1e-9)


def test_a_limit_that_does_is_left_alone_and_one_within_which_nothing_begins_is_not() -> None:
    assert limit_worth(10.0, 5.0, 24.0) == 24.0
    assert limit_worth(1.0, 60.0, 0.5) > 2.0


def test_a_limit_without_known_starts_holds_the_longest_job_in_three_tries() -> None:
    assert limit_worth(60.0, 0.0, 24.0) == 24.0
    assert limit_worth(90.0, 0.0, 24.0) == pytest.approx(30.0 * 1.05)


def test_long_jobs_are_those_to_come_that_take_several_tries_with_the_limit_that_would_do() -> None:
    # 93 hours are four times the 23.25 that 24 leave beside a start of 45 minutes: three tries hold them in 31 each.
    long = replace(stage(start_min=45.0, work_h=30.0), longest_job_hours=93.0, tries=4)
    (told,) = long_jobs([stage(), long, replace(long, basis="counted"), replace(long, hours_allowed=None)])
    assert (told.stage, told.longest_h, told.allowed_h) == (long, 93.0, 24.0)
    assert told.limit_min == 1998  # 31 h, a twentieth more, and a start


def test_work_is_done_in_at_least_one_job() -> None:
    assert (jobs_worth(0.0, 10.0), jobs_worth(100.0, 10.0)) == (1, math.floor(100 / work_of_start(10.0)))
    assert jobs_worth(7.2, 0.0) == 8


def test_the_tries_are_those_of_the_profile() -> None:
    profile = yaml.safe_load((Path(__file__).parents[3] / "profiles/slurm/config.yaml").read_text())
    assert profile["retries"] + 1 == TRIES


ROUNDS = {"seeds": 16, "rounds": [4, 12], "shards": 4}


@pytest.mark.parametrize(
    ("recipe", "jobs", "changes"),
    [
        (ROUNDS, 64, {}),
        (ROUNDS, 32, {"seeds_per_job": 2}),
        (ROUNDS, 31, {"seeds_per_job": 3}),
        (ROUNDS, 8, {"seeds_per_job": [4, 12]}),  # no more than a job for each round
        (ROUNDS, 7, {"seeds_per_job": [4, 12], "shards": 3}),
        (ROUNDS, 1, {"seeds_per_job": [4, 12], "shards": 1}),
        (ROUNDS | {"seeds_per_job": [1, 4]}, 28, {}),
        (ROUNDS | {"seeds_per_job": [1, 4]}, 16, {"seeds_per_job": [2, 8]}),
        ({"seeds": 3, "shards": 5}, 6, {"seeds_per_job": 3}),
        ({"seeds": 1, "shards": 5}, 2, {"shards": 2}),
        ({"seeds": 1, "shards": 1}, 0, {}),
    ],
)
def test_jobs_become_longer_by_their_seeds_before_shards_become_fewer(
    recipe: dict[str, object], jobs: int, changes: dict[str, object]
) -> None:
    assert longer_jobs(recipe, jobs) == changes
