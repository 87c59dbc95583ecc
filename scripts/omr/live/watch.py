"""Beside one call of Snakemake: it says how its jobs are, holds the budget, and draws the run on a terminal."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from omr.asking.budget import Budget, bounds_of
from omr.config.files import read_config
from omr.config.settings import Settings
from omr.errors import UserError
from omr.live.jobs_file import RuleJobs, write_jobs
from omr.live.quiet_log import Diverted, is_on_terminal
from omr.live.run import RunProgress, Watched
from omr.live.snakemake_jobs import SnakemakeJobs
from omr.live.spending import not_held, over_budget
from omr.runs.counts import PROBLEM_STAGES, RECIPE_STAGES, Plan
from omr.runs.planned import Planned

_DRAW_EVERY_S, _WRITE_EVERY_S, _COUNT_EVERY_S = 0.5, 5.0, 5.0
#: A look at a large run costs; looking takes at most this share of the time.
_SHARE = 0.05
_ESTIMATE_MAY_TAKE_S = 5.0
_ESTIMATE = Path(__file__).resolve().parents[2] / "estimate.py"


class RunWatch:
    """Watches over the run of `settings` from `start` to `end`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = Path("results") / settings.run
        self._budget = Budget(settings.config)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._estimating: subprocess.Popen[bytes] | None = None
        self._seen: RunProgress | None = None
        self._look_at_s = self._write_at_s = self._count_at_s = self._counting_s = 0.0
        self._has_warned = False
        self._talked = 0
        self.used_up: str | None = None

    def start(self, workflow: Any, planned: Planned, logger: logging.Logger, logs: list[str]) -> None:
        """To be called when a run begins; `logs` are Snakemake's own. Raises UserError if its budget is used up."""
        self._workflow, self._logger = workflow, logger
        dag = workflow.dag
        self._jobs = SnakemakeJobs(dag.needrun_jobs(), dag, workflow.scheduler)
        if not self._jobs.makes_files:
            if self._may_draw():
                # What its jobs say is the answer; to the end of this process nothing of Snakemake's stands round it.
                Diverted(logger, partial(print, file=sys.stderr))
            return
        self._began, self._began_at = time.monotonic(), time.time()
        self._run_id = str(getattr(workflow.scheduler._executor, "run_uuid", ""))
        self._is_of_run = any(file.startswith(f"{self._folder}/") for files in planned.files.values() for file in files)
        rules = {rule.removesuffix("_of_round") for rule in planned.files}
        self._asks = bool(rules & {*PROBLEM_STAGES, *RECIPE_STAGES})
        if self._is_of_run and self._asks:
            # Its own config: another command may meanwhile save one in the run's folder that has no budget.
            self._run = Watched(self._folder, read_config([self._settings.config_file]))
            self._begin_to_ask(planned)
        self._display = self._open_display(logs)
        self._diverted = Diverted(logger, self._display.show) if self._display is not None else None
        self._write(self._jobs.counts(), "")  # who looks at once is told at once
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._thread.start()

    def _begin_to_ask(self, planned: Planned) -> None:
        self._budget.open()
        run = self._run.look(asks_queue=False)
        what = over_budget(run)
        if what is not None:
            remedy = "raise `budget` in config, or make what needs no model: all that is stored is kept"
            raise UserError(what, remedy=remedy)
        if not run.costs_nothing:
            self._estimate(Plan(frozenset(chain.from_iterable(planned.files.values())), frozenset(planned.anew)))

    def _estimate(self, plan: Plan) -> None:
        """Beside the run: what it will take, for those who watch. Not where models cost nothing."""
        saved = self._settings.config_file
        command = [sys.executable, str(_ESTIMATE), "--run", str(self._folder), "--config", saved]
        command += ["--json", str(self._folder / "estimate.json"), "--output", str(self._folder / "estimate.txt")]
        command += ["--plan", "/dev/stdin"]
        null = subprocess.DEVNULL
        with suppress(OSError), TemporaryFile() as given:
            given.write(plan.as_bytes())
            given.seek(0)
            self._estimating = subprocess.Popen(command, stdin=given, stdout=null, stderr=null, start_new_session=True)

    def _end_estimate(self) -> None:
        """Nothing that the run began outlives it. Only a run that ends right after its start finds this at work."""
        if self._estimating is None:
            return
        try:
            status = self._estimating.wait(_ESTIMATE_MAY_TAKE_S)
        except subprocess.TimeoutExpired:
            self._estimating.terminate()
            status = self._estimating.wait()
        if status > 0:
            self._logger.debug(f"the run could not be estimated: exit status {status}")

    def _may_draw(self) -> bool:
        settings = self._workflow.output_settings
        is_silent = any(one.name.lower() == "all" for one in settings.quiet or ())
        return not settings.verbose and not is_silent and is_on_terminal(self._logger)

    def _open_display(self, logs: list[str]) -> Any:
        if not self._may_draw() or not logs:
            return None
        from omr.live.display import Display  # nothing of it is needed elsewhere

        return Display(Path(str(logs[0]).removesuffix(".snakemake.log") + ".jobs.log"))

    def end(self, how: str) -> None:
        """The run is over: `how`, in a word. The terminal is as it was."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join()
        self._thread = None
        self._end_estimate()
        self._write(self._jobs.counts(), how)
        if self._display is not None:
            self._display.relay(self._somebody_talks())
            self._display.end()
        if self._diverted is not None:
            self._diverted.end()

    def _watch(self) -> None:
        pause = _WRITE_EVERY_S if self._display is None else _DRAW_EVERY_S
        while not self._ended.wait(max(pause, self._counting_s / _SHARE)):
            try:
                self._tick()
            except Exception as error:  # noqa: BLE001 - it must not end what it watches, and says so in the log
                self._logger.debug(f"the run could not be watched for a moment: {error!r}")

    def _tick(self) -> None:
        now = time.monotonic()
        counts = self._jobs.counts()
        self._counting_s = time.monotonic() - now
        if now >= self._write_at_s:
            self._write_at_s = now + _WRITE_EVERY_S
            self._write(counts, "")
        holds = self._asks and bool(bounds_of(self._settings.config)) and now >= self._count_at_s
        # Where no model is asked, how far model stages are is not what somebody waits for.
        shows = self._asks and self._display is not None and now >= self._look_at_s
        if self._is_of_run and (holds or shows):
            self._seen = self._run.look(asks_queue=False)
            took = time.monotonic() - now
            self._look_at_s = now + max(1.0, took / _SHARE)
            if holds:
                self._count_at_s = now + max(_COUNT_EVERY_S, took / _SHARE)
                self._hold_budget(self._seen)
        if self._display is not None:
            self._draw(counts)

    def _write(self, counts: Mapping[str, RuleJobs], ended: str) -> None:
        if self._is_of_run:
            with suppress(OSError):
                write_jobs(self._folder, counts, self._began_at, ended, self._run_id)

    def _draw(self, counts: Mapping[str, RuleJobs]) -> None:
        from omr.live.running_view import running_view

        elapsed_s = time.monotonic() - self._began
        self._display.draw(
            lambda width, height: running_view(self._settings.run, self._seen, counts, elapsed_s, width, height),
            everything=self._somebody_talks(),
        )

    def _somebody_talks(self) -> bool:
        """Whether since the last time a job ran whose words are what it is for."""
        now, before = self._jobs.talked(), self._talked
        self._talked = now.done
        return now.running > 0 or now.done > before

    def _hold_budget(self, run: RunProgress) -> None:
        unheld = not_held(run)
        if unheld is not None and not self._has_warned:
            self._logger.warning(f"warning: {unheld}")
            self._has_warned = True
        what = over_budget(run)
        if what is None or self.used_up is not None:
            return
        self.used_up = what
        self._logger.warning(f"{what}; jobs that ask models end, and no more begin")
        with suppress(OSError):
            self._budget.close(what)
        if self._workflow.local_exec:
            self._workflow.scheduler.exit_gracefully()
        else:
            # What waits in a cluster's queue must not wait for GPUs only to learn this.
            os.kill(os.getpid(), signal.SIGINT)
