"""The table of an estimate: a line per model stage, narrow enough for a terminal. The JSON has the whole numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from omr.runs.estimation import Estimate, StageEstimate

#: What stands below the table.
LEGEND = "prompt, reply: tokens. longest: hours that the longest job works, without its server's start."
_UNKNOWN = "unknown"


def size(count: float) -> str:
    """Bytes in the unit that suits them."""
    units = ["B", "kB", "MB", "GB", "TB", "PB"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        units.pop(0)
    return f"{count:,.{0 if units[0] == 'B' else 1}f} {units[0]}"


def amount(value: float | None) -> str:
    """Hours or money."""
    return _UNKNOWN if value is None else f"{value:,.{2 if value < 100 else 0}f}"


def short(number: int) -> str:
    """A number in three digits and a unit, or as it is where that is as short."""
    if number < 10_000:
        return f"{number:,}"
    value, units = float(number), "kMBT"
    while value >= 999.5 and units:
        value, unit, units = value / 1000, units[0], units[1:]
    return f"{value:.3g}{unit}" if value < 999.5 else f"{value:,.0f}{unit}"


class _Column(NamedTuple):
    """A column: its name, and what it says of a stage and of all. `is_number`: it is aligned to the right."""

    name: str
    of_stage: Callable[[StageEstimate], str]
    of_all: Callable[[Estimate], str]
    is_number: bool = True


def _tokens(of: StageEstimate | Estimate, number: int) -> str:
    """What no server counted is not zero."""
    if of.tokens_counted:
        return short(number)
    return f">={short(number)}" if number else _UNKNOWN


def _sum(found: Estimate, unit: str) -> int:
    return sum(getattr(stage, unit) for stage in found.stages)


def _from(stage: StageEstimate) -> str:
    is_begun = stage.done_requests and stage.basis != "counted"
    return stage.basis + (f", {short(stage.done_requests)} done" if is_begun else "")


def _longest(stage: StageEstimate) -> str:
    return "" if stage.longest_job_hours is None else f"{stage.longest_job_hours:,.1f}"


_COLUMNS = (
    _Column("requests", lambda stage: short(stage.requests), lambda found: short(_sum(found, "requests"))),
    _Column(
        "prompt",
        lambda stage: _tokens(stage, stage.prompt_tokens),
        lambda found: _tokens(found, _sum(found, "prompt_tokens")),
    ),
    _Column(
        "reply",
        lambda stage: _tokens(stage, stage.completion_tokens),
        lambda found: _tokens(found, _sum(found, "completion_tokens")),
    ),
    _Column("disk", lambda stage: size(stage.disk_bytes), lambda found: size(found.disk_bytes)),
    _Column("GPU-hours", lambda stage: amount(stage.gpu_hours), lambda found: amount(found.total("gpu_hours"))),
    _Column("USD", lambda stage: amount(stage.usd), lambda found: amount(found.total("usd"))),
    _Column("jobs", lambda stage: f"{stage.jobs:,}", lambda found: f"{_sum(found, 'jobs'):,}"),
    _Column("longest", _longest, lambda found: ""),
    _Column("from", _from, lambda found: "", is_number=False),
)


def table_lines(found: Estimate) -> Iterator[str]:
    """The lines of the table: those of the problems, of each recipe, and of all."""
    columns = [column for column in _COLUMNS if not _says_nothing(column, found)]
    rows: list[tuple[str, list[str]]] = [("stage", [column.name for column in columns])]
    for recipe, group in groupby(found.stages, key=lambda stage: stage.recipe):
        stages = list(group)
        rows.append((f"{recipe or 'problems'} {_models(stages)}", []))
        rows += [(f"  {stage.stage}", [column.of_stage(stage) for column in columns]) for stage in stages]
    rows.append(("all", [column.of_all(found) for column in columns]))
    widths = [max(len(cells[place]) for _, cells in rows if cells) for place in range(len(columns))]
    first = max(len(name) for name, cells in rows if cells)
    for name, cells in rows:
        aligned = (
            text.rjust(width) if column.is_number else text
            for column, text, width in zip(columns, cells, widths, strict=bool(cells))
        )
        yield "  ".join([name.ljust(first), *aligned]).rstrip() if cells else name
    yield LEGEND


def _says_nothing(column: _Column, found: Estimate) -> bool:
    """Whether nothing is known of a column: what config lacks for it is told below the table."""
    return column.name in ("GPU-hours", "USD") and all(column.of_stage(stage) == _UNKNOWN for stage in found.stages)


def _models(stages: Sequence[StageEstimate]) -> str:
    """Which models the stages ask: the one that most of them do, and the others with their stages."""
    usual = Counter(stage.model for stage in stages).most_common(1)[0][0]
    others: dict[str, list[str]] = {}
    for stage in stages:
        if stage.model != usual:
            others.setdefault(stage.model, []).append(stage.stage)
    told = [f"{', '.join(names)}: {model}" for model, names in others.items()]
    return f"({'; '.join([usual, *told])})"
