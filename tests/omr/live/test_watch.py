"""Beside Snakemake: its jobs are told to others, and the budget holds while it runs."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import yaml
from live_runs import STAGE, at_work, begin_run, finish
from live_runs import snakemake_job as job
from omr.asking.budget import FILE, Budget
from omr.config.files import read_config, write_merged_config
from omr.config.settings import Settings
from omr.errors import UserError
from omr.live import watch as watching
from omr.live.run import RunProgress, Watched
from omr.live.watch import RunWatch
from omr.runs.planned import Planned

PLANNED = Planned({STAGE: [f"results/small/replies/{STAGE}/shard-000-of-004.jsonl"]})


class Run:
    """A run in results/small, watched over; `scheduler.stops` says how often it was told to end."""

    def __init__(self, budget: dict[str, Any], price: float | None = 3.0) -> None:
        self.folder = begin_run(Path("results/small"), price=price, budget=budget)
        self.job = job(STAGE)
        self.done: set[Any] = set()
        self.stops: list[str] = []
        scheduler = SimpleNamespace(running={self.job}, failed=set(), exit_gracefully=lambda: self.stops.append("soft"))
        scheduler._executor = SimpleNamespace(run_uuid="run-1")
        dag = SimpleNamespace(
            needrun_jobs=lambda: iter([self.job]), finished=self.done.__contains__, dependencies={self.job: {}}
        )
        output = SimpleNamespace(verbose=False, quiet=set())
        self.workflow = SimpleNamespace(dag=dag, scheduler=scheduler, output_settings=output, local_exec=True)
        settings = Settings(read_config([self.folder / "config.yaml"]))
        write_merged_config(settings.config, Path(settings.config_file))  # as the start of a run does
        self.watch = RunWatch(settings)
        self.logger = logging.Logger("x")
        self.lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(record.getMessage())  # type: ignore[method-assign]
        self.logger.addHandler(handler)

    def start(self, planned: Planned = PLANNED) -> None:
        self.watch.start(self.workflow, planned, self.logger, ["x.snakemake.log"])


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watching, "_DRAW_EVERY_S", 0.01)
    monkeypatch.setattr(watching, "_COUNT_EVERY_S", 0.01)
    monkeypatch.setattr(watching, "_WRITE_EVERY_S", 0.01)
    monkeypatch.setattr(watching, "_ESTIMATE", tmp_path / "none.py")
    runs: list[Run] = []

    def begin(usd: float | None = None, gpu_hours: float | None = None, price: float | None = 3.0) -> Run:
        runs.append(Run({"usd": usd, "gpu_hours": gpu_hours}, price))
        return runs[-1]

    yield begin
    for run in runs:
        run.watch.end("stopped")


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never was so")


def test_others_read_how_its_jobs_are_and_that_it_has_ended(begun: Callable[..., Run]) -> None:
    run = begun()
    run.start()  # and from then on
    jobs = Watched(run.folder).look(asks_queue=False).jobs
    assert jobs is not None
    assert (jobs.state, jobs.run_id, jobs.count("running"), jobs.count("total")) == ("running", "run-1", 1, 1)
    run.done.add(run.job)
    run.watch.end("done")
    jobs = Watched(run.folder).look(asks_queue=False).jobs
    assert jobs is not None
    assert (jobs.state, jobs.ended, jobs.count("done")) == ("gone", "done", 1)


def test_an_estimate_that_is_still_at_work_ends_with_the_run(
    begun: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless, note = tmp_path / "endless.py", tmp_path / "pid"
    endless.write_text(f"import os, time\nopen({str(note)!r}, 'w').write(f'{{os.getpid()}}.')\ntime.sleep(600)\n")
    monkeypatch.setattr(watching, "_ESTIMATE", endless)
    monkeypatch.setattr(watching, "_ESTIMATE_MAY_TAKE_S", 0.1)
    run = begun()
    run.start()
    wait_for(lambda: note.exists() and note.read_text().endswith("."))
    run.watch.end("stopped")
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()[:-1]), 0)


def test_what_is_spent_ends_the_run_when_it_reaches_the_budget(begun: Callable[..., Run]) -> None:
    run = begun(gpu_hours=3.5)
    at_work(run.folder, 0)  # an hour on two GPUs
    run.start()
    time.sleep(0.3)
    assert run.stops == []
    finish(run.folder, 1, wall_s=3600.0)
    wait_for(lambda: bool(run.stops))
    time.sleep(0.2)
    said = "the budget is used up: 4.0 GPU-hours are spent, it is 3.5"
    assert run.watch.used_up == said
    assert run.stops == ["soft"]  # once
    assert run.lines == [f"{said}; jobs that ask models end, and no more begin"]
    assert Budget(read_config([run.folder / "config.yaml"])).used_up() == said
    assert Watched(run.folder).look(asks_queue=False).used_up == said


def test_money_is_held_as_well(begun: Callable[..., Run]) -> None:
    run = begun(usd=5.0)
    run.start()
    finish(run.folder, 1, wall_s=3600.0)
    wait_for(lambda: run.watch.used_up is not None)
    assert run.watch.used_up == "the budget is used up: 6.00 USD are spent, it is 5.00"


def test_on_a_cluster_what_waits_in_the_queue_is_cancelled(
    begun: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(gpu_hours=1.0)
    run.workflow.local_exec = False
    sent: list[int] = []
    monkeypatch.setattr(watching.os, "kill", lambda pid, number: sent.append(number))
    run.start()
    finish(run.folder, 1, wall_s=3600.0)
    wait_for(lambda: bool(sent))
    assert (sent, run.stops) == ([signal.SIGINT], [])


def test_a_run_whose_budget_is_used_up_does_not_begin_and_a_larger_one_opens_it(begun: Callable[..., Run]) -> None:
    run = begun(gpu_hours=1.0)
    finish(run.folder, 1, wall_s=3600.0)
    with pytest.raises(UserError, match=r"used up: 2\.0 GPU-hours are spent, it is 1\.0"):
        run.start()
    larger = begun(gpu_hours=3.0)
    (larger.folder / FILE).write_bytes(orjson.dumps({"what": "x", "budget": {"gpu_hours": 1.0}}))
    larger.start()
    time.sleep(0.2)
    assert larger.stops == []
    assert not (larger.folder / FILE).exists()


def test_what_asks_no_model_is_made_whatever_is_spent(begun: Callable[..., Run]) -> None:
    run = begun(gpu_hours=1.0)
    finish(run.folder, 1, wall_s=3600.0)
    run.start(Planned({"prepare_sft": ["results/small/cot-small/sft.jsonl"]}))
    time.sleep(0.3)
    assert run.stops == []


def test_a_budget_that_cannot_be_held_is_told_once(begun: Callable[..., Run]) -> None:
    run = begun(usd=5.0, price=None)
    run.start()
    finish(run.folder, 1)
    wait_for(lambda: bool(run.lines))
    time.sleep(0.2)
    (line,) = run.lines
    assert "that budget cannot be held" in line
    assert run.stops == []


def test_a_command_that_only_tells_something_is_not_watched(begun: Callable[..., Run]) -> None:
    run = begun()
    run.job.output = ()
    run.start()
    run.watch.end("done")
    assert not (run.folder / "jobs.json").exists()


@pytest.mark.parametrize("change", [{"usd": None, "gpu_hours": None}, {"usd": None, "gpu_hours": 1000}])
def test_a_command_beside_the_run_takes_its_budget_from_nobody(begun: Callable[..., Run], change: Any) -> None:
    run = begun(gpu_hours=3.0)
    run.start()
    path = run.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"budget": change}))
    for number in range(4):
        finish(run.folder, number)
    wait_for(lambda: bool(run.stops))
    assert run.watch.used_up == "the budget is used up: 4.0 GPU-hours are spent, it is 3.0"


def test_a_command_without_a_budget_does_not_open_that_of_another(begun: Callable[..., Run]) -> None:
    run = begun(gpu_hours=3.0)
    bounded = Budget(read_config([run.folder / "config.yaml"]))
    bounded.close("all is spent")
    begun().start()
    assert bounded.used_up() == "all is spent"


def test_a_fault_of_the_watch_never_ends_the_run(begun: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = begun(gpu_hours=9.0)
    run.start()

    def breaks(*_: object, **__: object) -> RunProgress:
        raise RuntimeError

    monkeypatch.setattr(Watched, "look", breaks)
    run.logger.setLevel(logging.DEBUG)
    wait_for(lambda: any("could not be watched" in line for line in run.lines))
    run.watch.end("done")
