"""The estimate of a run that has spent something: what is asked again is to come, and what is spent stays spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import run_files
from estimated_runs import estimated, raw_threads, stage
from live_runs import HERE
from omr.errors import UserError
from omr.runs.counts import Plan

SHARD = "shard-000-of-001"
GPUS = {"path": "some/solver", "server": "vllm", "gpus": 2, "tokens_per_second": 1000.0, "start_min": 0.0}
NOTHING = {"usd": None, "gpu_hours": None}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose first stage has asked 100 threads, which took ten hours on two GPUs."""
    run = tmp_path / "small"
    run_files.asked(run, "extract_problems", 100, wall_s=36000.0, gpus=2, gpu_s=72000.0)
    return run


def counts_of(run: Path, name: str = "extract_problems") -> str:
    return str(run / "counts" / name / f"{SHARD}.json")


def found(run: Path, plan: Plan | None = None, *more: str, threads: int = 100, **changes: Any) -> dict[str, Any]:
    flags = more
    if plan is not None:
        path = run.parent / "plan.json"
        path.write_bytes(plan.as_bytes())
        flags = (*more, "--plan", str(path))
    known: dict[str, Any] = {"models": {"solver": GPUS}, "raw_data": raw_threads(run.parent, threads)}
    return estimated(run, *flags, **(known | changes))


def left(estimate: dict[str, Any], name: str = "extract_problems") -> int:
    """The requests of a stage that are to come."""
    entry = stage(estimate, name)
    return 0 if entry["basis"] == "counted" else entry["requests"] - entry["done_requests"]


def test_a_finished_stage_that_is_planned_with_another_prompt_is_to_come(run: Path) -> None:
    path = counts_of(run)
    before = found(run, Plan())
    again = found(run, Plan(frozenset([path]), frozenset([path])))
    assert (stage(before, "extract_problems")["basis"], left(before)) == ("counted", 0)
    assert (stage(again, "extract_problems")["basis"], left(again)) == ("seen", 100)
    more = again["remaining"]["gpu_hours"] - before["remaining"]["gpu_hours"]
    assert more == pytest.approx(stage(again, "extract_problems")["gpu_hours"])
    assert again["total"]["gpu_hours"] == pytest.approx(20 + again["remaining"]["gpu_hours"])


def test_of_a_stage_that_is_planned_for_its_rows_only_what_has_no_reply_is_to_come(run: Path) -> None:
    plan = Plan(frozenset([counts_of(run)]))
    same, more = found(run, plan), found(run, plan, threads=130)
    assert (stage(same, "extract_problems")["basis"], left(same)) == ("seen", 0)
    assert left(more) == 30


@pytest.mark.parametrize("change", [{"path": "another/solver"}, {"revision": "other"}])
def test_without_a_plan_another_model_is_seen_by_what_was_served(run: Path, change: dict[str, Any]) -> None:
    assert stage(found(run), "extract_problems")["basis"] == "counted"
    assert left(found(run, models={"solver": GPUS | change})) == 100


def test_what_is_asked_again_counts_into_the_budget(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = counts_of(run)
    total = found(run, Plan())["total"]["gpu_hours"]
    budget = NOTHING | {"gpu_hours": total + 0.001}
    found(run, Plan(), "--check", budget=budget)
    with pytest.raises(UserError, match="GPU-hours, the budget is"):
        found(run, Plan(frozenset([path]), frozenset([path])), "--check", budget=budget)
    with pytest.raises(UserError, match=r"the budget is used up: 20\.00 GPU-hours are spent, it is 19\.00"):
        found(run, Plan(), "--check", budget=NOTHING | {"gpu_hours": 19.0})
    assert "Spent: 20.00 GPU-hours" in capsys.readouterr().out


def test_the_sums_are_all_that_was_ever_spent_and_what_remains(run: Path) -> None:
    before = found(run)
    run_files.asked(
        run, "extract_problems", 100, wall_s=36000.0, gpus=2, superseded={"held_s": 3600.0, "gpu_s": 7200.0}
    )
    old = run / "another-recipe/counts/generate_solutions/seed-00" / f"{SHARD}.json"
    run_files.write_counts(old, model="solver", gpu_s=3600.0, gpus=2)
    after = found(run)
    assert after["spent"]["gpu_hours"] == pytest.approx(20 + 2 + 1)
    assert after["total"]["gpu_hours"] == pytest.approx(before["total"]["gpu_hours"] + 3)


def test_replies_of_a_job_that_was_stopped_are_not_to_come_again(tmp_path: Path) -> None:
    run = tmp_path / "small"
    path = run / "replies/extract_problems" / f"{SHARD}.jsonl.progress"
    run_files.write_counts(path, version=1, phase="stopped", total=100, stored=60, answered=30, gpu_s=3600.0, **HERE)
    half = found(run)
    assert left(half) == 10
    assert half["total"]["gpu_hours"] == pytest.approx(1 + half["remaining"]["gpu_hours"])


def test_money_that_nobody_knows_to_be_spent_is_not_within_a_budget(run: Path) -> None:
    old = run / "another-recipe/counts/generate_solutions/seed-00" / f"{SHARD}.json"
    run_files.write_counts(old, model="sold", gpu_s=3600.0, gpus=2)
    with pytest.raises(UserError, match="the USD that are spent are not known"):
        found(run, None, "--check", budget=NOTHING | {"usd": 1e9})
