"""A run on a terminal, as wide as that is."""

from __future__ import annotations

import io
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from omr.live.run import RunProgress
from omr.live.words import StageWords, clock, headline, stage_words, summary, worries

_STYLES = {"done": "green", "running": "bold cyan", "stopped": "yellow", "waiting": "dim"}
#: How the text of a column stands.
_COLUMNS: dict[str, Literal["left", "right"]] = {
    "stage": "left",
    "model": "left",
    "shards": "right",
    "requests": "right",
    "": "left",
    "%": "right",
    "rows/s": "right",
    "tokens/s": "right",
    "failed": "right",
    "GPU-h": "right",
    "left": "right",
    "jobs": "left",
}
#: What a terminal has no room for, the first first.
_LEFT_OUT = ("model", "jobs", "rows/s", "", "GPU-h", "failed", "tokens/s")
_BAR_WIDTH = 12
#: Names come before further columns, but not before the few that matter.
_LEAST_NAME, _FEW = 16, 7
_MEASURING = Console(file=io.StringIO())


def whole_view(run: RunProgress, width: int, height: int | None = None) -> RenderableType:
    """All of a run: stages, sentences, worries. Where it must fit a `height`, stages are left out."""
    below: list[RenderableType] = [Text(line) for line in summary(run)]
    below += [Text(line, style="yellow") for line in worries(run)]
    lines = sum(len(Text(line).wrap(_MEASURING, width)) for line in (*summary(run), *worries(run)))
    most = None if height is None else max(3, height - lines - 3)
    head = Text(f"{run.run}   {clock(run.taken_at)}   {headline(run)}", style="bold", no_wrap=True, overflow="ellipsis")
    return Group(head, stage_table(run, width, most), *below)


def stage_table(run: RunProgress, width: int, most: int | None = None) -> Table:
    """The stages; with `most`, so many of them: those at work, with what was done last and what comes next."""
    shown = chosen([stage_words(run, stage) for stage in run.stages], most)
    longest = {
        name: max([len(name), *(len(_text(stage, name)) for stage in shown)])
        for name in _COLUMNS
        if any(_text(stage, name) for stage in shown)
    }
    widths = _fitted(longest, width)
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim", collapse_padding=True)
    for name in widths:
        table.add_column(name, justify=_COLUMNS[name], no_wrap=True, overflow="ellipsis", width=widths[name])
    for stage in shown:
        table.add_row(*(_cell(stage, name) for name in widths), style=_STYLES[stage.state])
    return table


def _fitted(longest: dict[str, int], width: int) -> dict[str, int]:
    """How wide columns are: names are cut, then columns left out, before a figure is."""
    widths = dict(longest)
    for name in (None, *_LEFT_OUT):
        if name is not None:
            widths.pop(name, None)
        room = width - sum(wide for column, wide in widths.items() if column != "stage") - len(widths)
        # Of two names the stage's says more: the model's goes before that is cut.
        shortest = _LEAST_NAME if len(widths) <= _FEW else 2 * _LEAST_NAME
        least = longest["stage"] if "model" in widths else min(longest["stage"], shortest)
        if room >= least:
            break
    return widths | {"stage": max(1, min(longest["stage"], room))}


def chosen(stages: list[StageWords], most: int | None) -> list[StageWords]:
    """At most so many stages, in their order."""
    if most is None or len(stages) <= most:
        return stages
    places = {state: [place for place, stage in enumerate(stages) if stage.state == state] for state in _STYLES}
    at_work = (places["running"] + places["stopped"])[:most]
    free = most - len(at_work)
    done = places["done"][-max(1, free // 2) :] if free else []
    return [stages[place] for place in sorted(at_work + done + places["waiting"][: free - len(done)])]


def _text(stage: StageWords, name: str) -> str:
    """What stands in a column; of the bar, as many signs as it is wide."""
    return {
        "stage": stage.name,
        "model": stage.model,
        "shards": stage.shards,
        "requests": stage.requests,
        "": "-" * _BAR_WIDTH,
        "%": "" if stage.share is None else f"{int(100 * stage.share)}%",
        "rows/s": stage.rows_per_s,
        "tokens/s": stage.tokens_per_s,
        "failed": stage.failed,
        "jobs": stage.jobs,
        "GPU-h": stage.gpu_hours,
        "left": stage.left,
    }[name]


def _cell(stage: StageWords, name: str) -> RenderableType:
    if not name:
        return ProgressBar(total=1.0, completed=stage.share or 0.0, width=_BAR_WIDTH)
    return Text(_text(stage, name))
