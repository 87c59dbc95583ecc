"""What is drawn of a run fits its terminal, and shows what is going on."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_runs import STAGE, at_work, begin_run, finish
from omr.live.jobs_file import RuleJobs
from omr.live.run import RunProgress, Watched
from omr.live.running_view import doing_now, left_s, running_view
from omr.live.table import whole_view
from omr.live.words import duration, rate
from rich.console import Console

COUNTS = {"prepare": RuleJobs(1, 1), STAGE: RuleJobs(4, 1, 2, 0, 1), "parse": RuleJobs(2, 0, 0, 1), "all": RuleJobs(1)}


@pytest.fixture
def run(tmp_path: Path) -> RunProgress:
    folder = begin_run(tmp_path / "small")
    finish(folder, 0, requests=123_456, failed={"http": 1234})
    at_work(folder, 1, total=123_456, answered=77_000, recent_answered=9999, recent_tokens=10**8)
    at_work(folder, 2, tries=4)
    return Watched(folder).look(asks_queue=False)


def drawn(view: object, width: int) -> list[str]:
    console = Console(width=width, force_terminal=False, highlight=False, markup=False, record=True, file=None)
    with console.capture() as captured:
        console.print(view)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [50, 60, 80, 100, 120, 160, 220])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(run: RunProgress, width: int) -> None:
    lines = drawn(whole_view(run, width), width)
    assert all(len(line) <= width for line in lines)
    line = next(line for line in lines if line.startswith("extract_pro"))
    assert "1/4" in line
    assert "200,463/~329,229" in line
    assert ("1,000,000" in line) == (width >= 80)
    assert "21 min" in line
    assert ("2 running, 1 waiting, 1 again" in line) == (width >= 160)


def test_a_model_is_left_out_before_the_name_of_a_stage_is_cut(run: RunProgress) -> None:
    long = next(stage for stage in run.stages if stage.stage == STAGE)
    long.recipe, long.model = "a-recipe-of-a-long-name", "a-model-of-a-long-name"
    for width in range(100, 200, 5):
        lines = drawn(whole_view(run, width), width)
        if any("a-model-of" in line for line in lines):
            assert any(line.startswith(long.name) for line in lines), width
    assert any("a-model-of-a-long-name" in line for line in drawn(whole_view(run, 220), 220))


@pytest.mark.parametrize("height", [5, 10, 24, 60])
def test_it_is_not_higher_than_the_terminal_and_the_stage_at_work_is_on_it(run: RunProgress, height: int) -> None:
    lines = drawn(running_view("small", run, COUNTS, 99.0, 80, height), 80)
    assert len(lines) <= max(height, 6)
    assert any(line.startswith(STAGE) for line in lines)


@pytest.mark.parametrize("height", [12, 24, 60])
def test_what_is_watched_fits_its_terminal_with_the_sentences_below(run: RunProgress, height: int) -> None:
    lines = drawn(whole_view(run, 80, height), 80)
    assert len(lines) <= height
    assert any(line.startswith("Spent: 5.0 GPU-hours") for line in lines)


def test_jobs_of_all_kinds_are_told_above_and_below(run: RunProgress) -> None:
    lines = drawn(running_view("small", run, COUNTS, 99.0, 100, 30), 100)
    assert "2 of 8 jobs, 1 min, 1 failed, 1 started again" in lines[0]
    assert lines[-1] == f"now: {STAGE} (2-3 of 4)"


def test_before_anything_is_known_there_is_a_line_all_the_same() -> None:
    (line,) = drawn(running_view("small", None, {"all": RuleJobs(1)}, 0.0, 80, 24), 80)
    assert "0 of 1 jobs, 0 s" in line


def test_the_time_left_goes_by_model_stages_where_they_cost_something(run: RunProgress) -> None:
    assert left_s(run, 4, 8, 100.0) is None  # stages that nobody has begun: unknown
    run.stages = [stage for stage in run.stages if stage.stage == STAGE]
    assert left_s(run, 4, 8, 100.0) == run.left_s(run.stages[0])
    run.costs_nothing = True
    assert left_s(run, 4, 8, 100.0) == 100.0
    assert left_s(run, 1, 100, 100.0) is None


def test_what_runs_now_is_named_with_how_far_its_rule_is() -> None:
    assert doing_now({"a": RuleJobs(1, 0, 1), "b": RuleJobs(9, 3, 1), "c": RuleJobs(9, 9)}) == "a, b (4 of 9)"


def test_times_and_rates_are_short() -> None:
    shown = [duration(seconds) for seconds in (0, 59.4, 60, 3599, 3600, 5400, 86_400, 100_000)]
    assert shown == ["0 s", "59 s", "1 min", "59 min", "1 h", "1 h 30 min", "1 d", "1 d 3 h"]
    assert [rate(value) for value in (0, 0.012, 0.31, 9.96, 1234.5)] == ["", "0.012", "0.3", "10.0", "1,234"]
