"""The table of an estimate: narrow, with what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from omr.runs.estimate_table import LEGEND, amount, short, size, table_lines
from omr.runs.estimation import Estimate, StageEstimate
from omr.runs.ratios import Threads

STAGE = StageEstimate(
    stage="extract_problems",
    recipe=None,
    model="small",
    requests=620_000,
    prompt_tokens=589_000_000,
    completion_tokens=124_000_000,
    disk_bytes=589_000_000,
    gpu_hours=57.468,
    usd=None,
    basis="assumed",
    done_requests=0,
    jobs=5,
    tries=1,
    start_hours=None,
    hours_per_job=1.0,
    longest_job_hours=1.26,
    hours_allowed=24.0,
)


def table(*stages: StageEstimate) -> list[str]:
    return list(table_lines(Estimate(Threads(1, 1.0, "x", "y"), list(stages), [], {}, [])))


def of_recipe(stage: str, model: str, **changes: Any) -> StageEstimate:
    return replace(STAGE, stage=stage, recipe="cot", model=model, **changes)


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e15, "2.5 PB")])
def test_sizes_are_in_units_that_suit_them(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (31_750, "31.8k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (1_358_722, "1.36M"),
        (130_471_929_164, "130B"),
        (10**15, "1,000T"),
    ],
)
def test_numbers_have_three_digits(number: int, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "unknown"), (0.0, "0.00"), (57.468, "57.47"), (101_005.8, "101,006")]
)
def test_hours_and_money_are_as_exact_as_is_of_use(value: float | None, text: str) -> None:
    assert amount(value) == text


def test_a_recipe_is_told_once_with_the_models_that_it_asks() -> None:
    lines = table(
        STAGE,
        of_recipe("generate_solutions", "large"),
        of_recipe("judge_answers", "small"),
        of_recipe("generate_summaries", "small"),
    )
    assert [line.split("  ")[0] for line in lines[1:4]] == [
        "problems (small)",
        "",
        "cot (small; generate_solutions: large)",
    ]
    assert lines[2].split() == [
        "extract_problems",
        "620k",
        "589M",
        "124M",
        "589.0",
        "MB",
        "57.47",
        "5",
        "1.3",
        "assumed",
    ]
    assert lines[-2].split()[:2] == ["all", "2.48M"]
    assert lines[-1] == LEGEND


def test_columns_of_which_nothing_is_known_are_left_out() -> None:
    assert "USD" not in table(STAGE)[0]
    assert "GPU-hours" in table(STAGE)[0]
    half = table(STAGE, replace(STAGE, gpu_hours=None, usd=3.0))
    assert half[0].split()[5:7] == ["GPU-hours", "USD"]
    assert half[-2].count("unknown") == 2
    assert "GPU-hours" not in table(replace(STAGE, gpu_hours=None))[0]


def test_a_stage_that_has_begun_says_how_far_and_a_finished_one_that_it_is_counted() -> None:
    assert table(replace(STAGE, done_requests=12_345))[2].endswith("assumed, 12.3k done")
    assert table(replace(STAGE, basis="counted", done_requests=620_000))[2].endswith("counted")


def test_the_table_of_the_largest_numbers_fits_a_terminal() -> None:
    large = of_recipe(
        "generate_selection_summaries",
        "m",
        requests=999_499_999,
        prompt_tokens=999_499_999_999,
        completion_tokens=888_888_888_888,
        disk_bytes=999_900_000_000_000,
        gpu_hours=9_999_999.0,
        usd=9_999_999.0,
        jobs=9_999,
        longest_job_hours=999.9,
    )
    assert max(map(len, table(large))) <= 120
