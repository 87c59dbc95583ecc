"""A run on a terminal, as wide as that is."""

from __future__ import annotations

from typing import Literal

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from omr.live.run import RunProgress
from omr.live.words import StageWords, clock, stage_words, summary, worries

_STYLES = {"done": "green", "running": "bold cyan", "stopped": "yellow", "waiting": "dim"}
#: From which width on a column is shown, and how its text stands.
_COLUMNS: tuple[tuple[str, int, Literal["left", "right"]], ...] = (
    ("stage", 0, "left"),
    ("model", 150, "left"),
    ("shards", 0, "right"),
    ("requests", 0, "right"),
    ("", 100, "left"),
    ("%", 0, "right"),
    ("rows/s", 100, "right"),
    ("tokens/s", 70, "right"),
    ("failed", 90, "right"),
    ("jobs", 120, "left"),
    ("GPU-h", 110, "right"),
    ("left", 60, "right"),
)
_BAR_WIDTH = 12


def whole_view(run: RunProgress, width: int) -> RenderableType:
    """All of a run: stages, sentences, worries."""
    parts: list[RenderableType] = [Text(f"{run.run}   {clock(run.taken_at)}", style="bold"), stage_table(run, width)]
    parts += [Text(line) for line in summary(run)]
    parts += [Text(line, style="yellow") for line in worries(run)]
    return Group(*parts)


def stage_table(run: RunProgress, width: int, most: int | None = None) -> Table:
    """The stages; with `most`, so many lines: those that are done, or far off, are left out first."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim", collapse_padding=True)
    shown = [column for column in _COLUMNS if column[1] <= width]
    for name, _, stands in shown:
        least = 16 if name in ("stage", "model") else None
        table.add_column(
            name, justify=stands, no_wrap=True, overflow="ellipsis", min_width=least, width=None if name else _BAR_WIDTH
        )
    for stage in chosen([stage_words(run, stage) for stage in run.stages], most):
        table.add_row(*(_cell(stage, name) for name, _, _ in shown), style=_STYLES[stage.state])
    return table


def chosen(stages: list[StageWords], most: int | None) -> list[StageWords]:
    """At most so many stages, in their order: first those at work, then those that were, then those to come."""
    if most is None or len(stages) <= most:
        return stages
    order = {"running": 0, "stopped": 1, "waiting": 2, "done": 3}
    # Of the stages that are done the last ones, of those to come the next ones.
    ranked = sorted(
        range(len(stages)),
        key=lambda place: (order[stages[place].state], -place if stages[place].state == "done" else place),
    )
    return [stages[place] for place in sorted(ranked[:most])]


def _cell(stage: StageWords, name: str) -> RenderableType:
    if not name:
        return ProgressBar(total=1.0, completed=stage.share or 0.0, width=_BAR_WIDTH)
    texts = {
        "stage": stage.name,
        "model": stage.model,
        "shards": stage.shards,
        "requests": stage.requests,
        "%": "" if stage.share is None else f"{int(100 * stage.share)}%",
        "rows/s": stage.rows_per_s,
        "tokens/s": stage.tokens_per_s,
        "failed": stage.failed,
        "jobs": stage.jobs,
        "GPU-h": stage.gpu_hours,
        "left": stage.left,
    }
    return Text(texts[name])
