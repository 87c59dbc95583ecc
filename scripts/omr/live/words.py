"""The words and figures that the terminal and the page show of a run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from omr.files.plain_text import plain_text
from omr.live.jobs_file import JobsSeen
from omr.live.run import RunProgress
from omr.live.signs import GONE, RUNNING, SILENT
from omr.live.stage import OpenShard, StageProgress

UNKNOWN = "?"
_MOST_SHOWN, _LONGEST = 8, 600
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


@dataclass(frozen=True)
class StageWords:
    """One stage as it is shown; `share` is of its requests, None where their number is unknown."""

    name: str
    model: str
    state: str  # done, running, stopped, waiting
    shards: str
    requests: str
    share: float | None
    rows_per_s: str
    tokens_per_s: str
    failed: str
    jobs: str  # running, silent, stopped, waiting ones
    gpu_hours: str
    left: str


def duration(seconds: float) -> str:
    """A time in two units at most: `3 d 4 h`, `12 min`, `8 s`."""
    whole = round(seconds)
    for place, (size, unit) in enumerate(_UNITS):
        if whole >= size or unit == "s":
            count = int(whole // size)
            if unit in ("min", "s"):
                return f"{count} {unit}"
            smaller, smaller_unit = _UNITS[place + 1]
            rest = int((whole - count * size) // smaller)
            return f"{count} {unit} {rest} {smaller_unit}" if rest else f"{count} {unit}"
    raise AssertionError("the last unit takes all")


def rate(value: float) -> str:
    return "" if not value else f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"


def hours(value: float | None) -> str:
    """GPU-hours, as exactly as matters."""
    return UNKNOWN if value is None else f"{value:,.{0 if value >= 100 else 1 if value >= 1 or not value else 3}f}"


def money(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.2f}"


def stage_words(run: RunProgress, stage: StageProgress) -> StageWords:
    """What is shown of a stage."""
    total, is_guess = run.requests(stage)
    about = "~" if is_guess else ""
    shown = UNKNOWN if total is None else f"{about}{total:,}"
    left = run.left_s(stage)
    share = 1.0 if stage.is_complete else min(1.0, stage.done / total) if total else None
    return StageWords(
        name=stage.name,
        model=stage.model,
        state=_state(stage),
        shards=f"{stage.shards['done']:,}/{stage.shards.total():,}",
        requests=f"{stage.done:,}/{shown}",
        share=share,
        rows_per_s=rate(stage.rows_per_s),
        tokens_per_s=rate(stage.tokens_per_s),
        failed=f"{stage.failed.total():,}" if stage.failed.total() else "",
        jobs=_jobs_of(stage),
        gpu_hours=hours(stage.gpu_s / 3600) if stage.gpu_s else "",
        left=duration(left) if left else UNKNOWN if left is None and stage.shards[RUNNING] else "",
    )


def _state(stage: StageProgress) -> str:
    if stage.is_complete:
        return "done"
    if stage.shards[RUNNING]:
        return "running"
    return "stopped" if stage.shards["stopped"] + stage.shards[SILENT] else "waiting"


def _jobs_of(stage: StageProgress) -> str:
    if stage.is_complete:
        return ""
    told = [
        f"{stage.shards[state]} {state}" for state in (RUNNING, SILENT, "stopped", "waiting") if stage.shards[state]
    ]
    return ", ".join([*told, *([f"{stage.retried} again"] if stage.retried else [])])


def headline(run: RunProgress) -> str:
    """The run in a few words, also where a part of it cannot be counted."""
    shards = sum(stage.shards.total() for stage in run.stages)
    done = sum(stage.shards["done"] for stage in run.stages)
    return f"{done:,} of {shards:,} shards of model stages done"


def summary(run: RunProgress) -> Iterator[str]:
    """Sentences on the whole run."""
    yield from _of_snakemake(run.jobs)
    if run.queue:
        yield f"Slurm's queue: {', '.join(f'{n:,} {state}' for state, n in sorted(run.queue.items()))}."
    yield _spent(run)
    if (otherwise := _otherwise(run)) is not None:
        yield otherwise
    if run.used_up is not None:
        yield f"Stopped: {run.used_up}. What is stored is kept; a larger `budget` in config and the same command go on."
    failed = sum((stage.failed for stage in run.stages), Counter[str]())
    if failed:
        yield f"Requests that failed for good: {', '.join(f'{n:,} {kind}' for kind, n in failed.most_common())}."
    yield _left(run)


def _of_snakemake(jobs: JobsSeen | None) -> Iterator[str]:
    if jobs is None:
        yield "No Snakemake has said anything of its jobs here."
        return
    where = {RUNNING: "at work", SILENT: "silent"}.get(jobs.state, jobs.ended or "gone")
    counts = [f"{jobs.count('done'):,} of {jobs.count('total'):,} jobs done"]
    names = {"running": "at work or queued", "waiting": "waiting", "failed": "failed", "retried": "started again"}
    if where not in ("at work", "silent"):
        names.pop("running")
    counts += [f"{n:,} {name}" for what, name in names.items() if (n := jobs.count(what))]
    took = duration(max(0.0, jobs.at - jobs.began_at))
    begun = f"for {took}" if where == "at work" else f"after {took}" if jobs.ended else f"{took} after it began"
    yield f"Snakemake ({jobs.host}, process {jobs.pid}) is {where}, {begun}: {', '.join(counts)}."


def _spent(run: RunProgress) -> str:
    parts = []
    for unit, spent, shown, name in (
        ("gpu_hours", run.gpu_hours, hours, "GPU-hours"),
        ("usd", run.usd, money, "USD"),
    ):
        if spent is None and unit not in run.budget:
            continue  # config has no prices, and nobody asked
        estimate = run.estimated.total(unit) if run.estimated is not None else None
        told = f"{shown(spent)} {name}"
        if estimate is not None:
            told += f" of about {shown(estimate)} estimated"
        if unit in run.budget:
            told += f", budget {shown(run.budget[unit])}"
        parts.append(told)
    return f"Spent: {'; '.join(parts)}."


def _otherwise(run: RunProgress) -> str | None:
    """How much of what is spent is in no row of the stages."""
    found = run.spent_otherwise
    parts = [f"{hours(found.gpu_hours)} GPU-hours"] * bool(found.gpu_hours)
    if found.usd != 0.0 and (run.usd is not None or "usd" in run.budget):
        parts.append(f"{money(found.usd)} USD")
    return f"Of that, with an earlier config (other seeds, recipes or shards): {'; '.join(parts)}." if parts else None


def _left(run: RunProgress) -> str:
    if run.is_complete:
        return "All model stages are done."
    left, more = run.all_left_s
    jobs = run.jobs
    if not any(stage.shards[RUNNING] for stage in run.stages) and (jobs is None or jobs.state == GONE):
        return "Nothing is at work; the command that began the run goes on where it stopped."
    if run.costs_nothing and jobs is not None:
        by_jobs = left_by_jobs(jobs.count("done"), jobs.count("total"), jobs.at - jobs.began_at)
        return f"Time left: {'not known yet' if by_jobs is None else f'about {duration(by_jobs)}, by its jobs'}."
    if not more:
        return f"Time left of the model stages: about {duration(left)}."
    unknown = [stage.name for stage in run.stages if run.left_s(stage) is None]
    named = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
    known = f"{duration(left)} and " if left else ""
    return f"Time left: {known}what is not known of {named} (`snakemake estimate` may tell)."


def left_by_jobs(done: int, total: int, elapsed_s: float) -> float | None:
    """Seconds that a run has still to go if its jobs are alike; None before a tenth of them is done."""
    return None if not done or done * 10 < total else max(0.0, elapsed_s) * (total - done) / done


def worries(run: RunProgress) -> list[str]:
    """Jobs that wait for more than their turn, nodes that are avoided, jobs that are silent, gone or failed, and files
    that say nothing."""
    shards = [shard for stage in run.stages for shard in stage.open if shard.state != RUNNING]
    shards.sort(key=lambda shard: (shard.phase != "failed", shard.state != SILENT))  # what says most comes first
    of_slurm = [plain_text(line, _LONGEST) for line in (*run.waits, *run.nodes)]
    return _cut(of_slurm) + _cut([_worry(shard) for shard in shards]) + _cut(run.faults)


def _worry(shard: OpenShard) -> str:
    if shard.state == SILENT:
        why = f"nothing was heard of it for {duration(shard.silent_s)} ({shard.where})"
    elif shard.phase == "failed":
        why = f"failed: {shard.note}"
    elif shard.phase == "stopped":
        why = f"was told to stop{': ' + shard.note if shard.note else ''}"
    else:
        why = f"its job is gone ({shard.where})"
    kept = f"; {shard.done:,} of {shard.total:,} requests are kept" if shard.total else ""
    return f"{shard.name}: {why}{kept}"


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _MOST_SHOWN else [*lines[:_MOST_SHOWN], f"... and {len(lines) - _MOST_SHOWN} more"]


def clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
