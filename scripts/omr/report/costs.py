"""The report's section on what was asked, and what it took: requests, tokens, time, GPU-hours, money, servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from omr.report.blocks import Block, Cell, Heading, Named, Paragraph, Section, Words, duration, table
from omr.report.data import Cost, ReportData
from omr.report.words import MODEL_STAGES
from omr.report.worth import worth
from omr.runs.costs import measured_speed
from omr.runs.counts import ModelUse, summed

_TITLE = "Requests, tokens, time and cost"
_HEAD = (
    "stage", "model", "requests", "failed", "cut", "prompt tokens", "completion tokens", "time", "GPU-hours", "cost",
)  # fmt: skip
_NOTE = (
    "Problems are shared by all recipes of a run: their stages are listed here, but were paid once. Time is that of "
    "all jobs and all of their tries together, waiting for the server included. “Cut” replies reached the token "
    "limit. Unknown is what nobody can tell: config has no price or speed for the model, its server counts no tokens, "
    "or the GPUs are somebody else's."
)


def costs(data: ReportData) -> Section:
    """The section."""
    if not data.costs:
        return Section(_TITLE, [Paragraph("No model was asked.", "soft")])
    rows = [_cost_row(cost) for cost in data.costs]
    return Section(
        _TITLE,
        [
            Paragraph(_NOTE),
            table(_HEAD, [*rows, _sum_row(data.costs)], range(2, 10), has_sum=True),
            *_superseded(data),
            *worth(data),
            *_servers(data),
            *_failures(data),
        ],
    )


def _superseded(data: ReportData) -> Iterator[Block]:
    """What the table leaves out, though it was spent."""
    spent = summed(cost.use.superseded for cost in data.costs)
    tokens = spent.get("prompt_tokens", 0) + spent.get("completion_tokens", 0)
    if tokens or spent.get("held_s"):
        at_least = "at least " if spent.get("without_usage") else ""
        held = duration(spent.get("held_s", 0.0))
        yield Paragraph(
            f"Besides, {at_least}{tokens:,} tokens and {held} of jobs went into replies that were asked anew since, "
            "with another prompt, model or temperature. They are in no row of the table."
        )


def _cost_row(cost: Cost) -> list[Cell]:
    use = cost.use
    shards = "" if use.is_complete else f" ({use.shards_done} of {use.shards} shards)"
    return [
        Named(f"{MODEL_STAGES[use.stage]}{shards}", use.stage),
        use.model,
        use.requests,
        use.failed.total(),
        use.finish_reasons["length"],
        tokens_of([use], "prompt_tokens"),
        tokens_of([use], "completion_tokens"),
        duration(use.wall_s),
        gpu_hours_of([cost]),
        None if cost.usd is None else f"${cost.usd:,.2f}",
    ]


def _sum_row(all_costs: Sequence[Cost]) -> list[Cell]:
    uses = [cost.use for cost in all_costs]
    prices = [cost.usd for cost in all_costs if cost.usd is not None]
    return [
        "all",
        "",
        sum(use.requests for use in uses),
        sum(use.failed.total() for use in uses),
        sum(use.finish_reasons["length"] for use in uses),
        tokens_of(uses, "prompt_tokens"),
        tokens_of(uses, "completion_tokens"),
        duration(sum(use.wall_s for use in uses)),
        gpu_hours_of(all_costs),
        f"${sum(prices):,.2f}" if len(prices) == len(all_costs) else None,
    ]


def tokens_of(uses: Sequence[ModelUse], kind: str, say: Callable[[int], Cell] = lambda number: number) -> Cell:
    """The tokens of model stages, as `say` writes numbers: at least so many where some replies were not counted."""
    known = [tokens for tokens, _ in (use.tokens(kind) for use in uses) if tokens is not None]
    if uses and not known:
        return None
    is_part = len(known) < len(uses) or any(use.without_usage for use in uses)
    shown = say(sum(known))
    return f"≥ {shown:,}" if is_part and isinstance(shown, int) else f"≥ {shown}" if is_part else shown


def gpu_hours_of(all_costs: Sequence[Cost]) -> str | None:
    """GPU-hours of model stages; at least so many where those of some are unknown."""
    known = [cost.gpu_hours for cost in all_costs if cost.gpu_hours is not None]
    if all_costs and not known:
        return None
    return f"{'' if len(known) == len(all_costs) else '≥ '}{sum(known):,.2f}"


def _servers(data: ReportData) -> Iterator[Block]:
    uses = [cost.use for cost in data.costs if cost.use.full_load.is_enough]
    if not uses:
        return
    yield Heading("Were the servers busy?")
    yield Paragraph(
        "What model servers said of themselves while their jobs had as many requests there as `concurrency` allows. "
        "“Lost room” are requests that others pushed out of the cache, which costs the work on them. "
        "Speed is `tokens_per_second` as config means it: completion tokens, and a tenth of the prompt tokens."
    )
    head = ["stage", "model", "at full load", "ran", "waited", "cache used", "lost room", "speed", "advice"]
    yield table(head, [_server_row(use) for use in uses], range(2, 8))


def _server_row(use: ModelUse) -> list[Cell]:
    load = use.full_load
    speed = measured_speed(load)
    return [
        use.stage,
        use.model,
        duration(load.seconds),
        round(load.running),
        round(load.waiting),
        f"{load.cache_used:.0%}",
        round(load.preempted),
        None if speed is None else round(speed),
        Words(load.advice or "none"),
    ]


def _failures(data: ReportData) -> Iterator[Block]:
    rows: list[list[Cell]] = [
        [use.stage, kind, n] for use in (cost.use for cost in data.costs) for kind, n in sorted(use.failed.items())
    ]
    if not rows:
        yield Paragraph("No request failed for good.")
        return
    yield Heading("Requests that failed for good")
    yield table(["stage", "kind", "requests"], rows, (2,), narrow=True)
