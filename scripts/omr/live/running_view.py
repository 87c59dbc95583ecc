"""What is drawn of a run beside its log: how far it is, its stages, and what is going on."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from omr.live.jobs_file import RuleJobs
from omr.live.run import RunProgress
from omr.live.table import stage_table
from omr.live.words import duration, left_by_jobs

#: Lines besides those of stages; and at most so many stages are shown.
_OTHER_LINES, _MOST_STAGES, _LEAST_STAGES = 6, 12, 3
_BAR = 24


def running_view(
    name: str, run: RunProgress | None, counts: Mapping[str, RuleJobs], elapsed_s: float, width: int, height: int
) -> RenderableType:
    """The view for a terminal of this size."""
    parts: list[RenderableType] = [_head(name, run, counts, elapsed_s)]
    stages = max(_LEAST_STAGES, min(_MOST_STAGES, height - _OTHER_LINES))
    if run is not None and any(stage.shards.total() > stage.shards["waiting"] for stage in run.stages):
        parts.append(stage_table(run, width, most=stages))
    doing = doing_now(counts)
    if doing:
        parts.append(Text(f"now: {doing}", overflow="ellipsis", no_wrap=True))
    return Group(*parts)


def _head(name: str, run: RunProgress | None, counts: Mapping[str, RuleJobs], elapsed_s: float) -> RenderableType:
    total, done = (sum(getattr(jobs, what) for jobs in counts.values()) for what in ("total", "done"))
    failed, again = (sum(getattr(jobs, what) for jobs in counts.values()) for what in ("failed", "retried"))
    line = Table.grid(padding=(0, 1))
    words = [f"{done:,} of {total:,} jobs", duration(elapsed_s)]
    words += [f"{failed:,} failed"] * bool(failed) + [f"{again:,} started again"] * bool(again)
    left = left_s(run, done, total, elapsed_s)
    if left is not None:
        words.append(f"about {duration(left)} left")
    bar = ProgressBar(total=max(total, 1), completed=done, width=_BAR)
    line.add_row(Text(name, style="bold"), bar, Text(", ".join(words), no_wrap=True, overflow="ellipsis"))
    return line


def left_s(run: RunProgress | None, done: int, total: int, elapsed_s: float) -> float | None:
    """Seconds that the run has still to go; None where nobody knows.

    By its model stages where they take the time, else by its jobs once a tenth of them is done.
    """
    if run is not None and not run.costs_nothing:
        left, more = run.all_left_s
        return None if more or not left else left
    return left_by_jobs(done, total, elapsed_s)


def doing_now(counts: Mapping[str, RuleJobs]) -> str:
    """The rules whose jobs run, and how far each is."""
    return ", ".join(
        f"{rule} ({jobs.done + 1}-{jobs.done + jobs.running} of {jobs.total})" if jobs.running > 1
        else f"{rule} ({min(jobs.done + 1, jobs.total)} of {jobs.total})" if jobs.total > 1
        else rule
        for rule, jobs in counts.items()
        if jobs.running
    )  # fmt: skip
