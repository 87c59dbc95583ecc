"""The report's sections of figures: pass rates and lengths, cost, decontamination."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omr.report.charts import Bar, histogram, nice_step, short_number
from omr.report.data import LENGTH_STEP, Cost, ReportData
from omr.report.html import Cell, Html, duration, paragraph, percent, reasons_list, section, table, with_code
from omr.report.words import CANARIES, MODEL_STAGES, NETS
from omr.report.worth import worth
from omr.runs.costs import measured_speed
from omr.runs.counts import ModelUse

# ---- distributions ---------------------------------------------------------------------------------------------------


def distributions(data: ReportData) -> str:
    parts = []
    if data.solutions is not None:
        figures = data.solutions
        parts += [
            paragraph(
                "The pass rate says how hard a problem is for the model. Solutions that nobody could judge do not "
                f"count; it is unknown for {figures.unknown:,} of {figures.problems + figures.unknown:,} problems."
            ),
            histogram(
                "Pass rate: how many of a problem's solutions are right",
                pass_rate_bars(figures.pass_rates),
                ["problems"],
                "share of right solutions",
                "problems",
            ),
            histogram(
                "Length of the solutions",
                length_bars([figures.right_lengths, figures.other_lengths]),
                ["right", "wrong or not judged"],
                "completion tokens, up to",
                "solutions",
            ),
        ]
    if data.product is not None:
        bars = length_bars([data.product.lengths])
        parts.append(
            histogram("Length of the training rows", bars, ["rows"], "characters of the solution, up to", "rows")
        )
    if data.is_selection and parts:
        return section("How long", *parts)
    return section("How hard, and how long", *(parts or ["<p class=empty>No solution has been judged yet.</p>"]))


def pass_rate_bars(rates: Mapping[tuple[int, int], int]) -> list[Bar]:
    """Problems by pass rate: none right, tenths between, all right."""
    bars = [0] * 12
    for (right, solutions), problems in rates.items():
        if right in (0, solutions):
            bars[11 if right else 0] += problems
        else:
            # Tenths with their upper end, so that 10% lies in the first; integers, since 0.1 is no binary number.
            bars[-(-10 * right // solutions)] += problems
    labels = ["none", *(f"≤{10 * tenth}%" for tenth in range(1, 10)), "<100%", "all"]
    return [Bar(label, (problems,)) for label, problems in zip(labels, bars, strict=True)]


def length_bars(lengths: list[Counter[int]]) -> list[Bar]:
    """Bars of a round width from zero to the longest; `lengths` counts `length // LENGTH_STEP`, for each series."""
    longest = max((step for counter in lengths for step in counter), default=0) + 1
    # 10, 20, 50, 100, ...: a bar holds whole steps.
    width = max(LENGTH_STEP, nice_step(longest * LENGTH_STEP, 24))
    number = -(-longest * LENGTH_STEP // width)
    parts = [[0] * len(lengths) for _ in range(number)]
    for series, counter in enumerate(lengths):
        for step, n in counter.items():
            parts[step * LENGTH_STEP // width][series] += n
    return [Bar(short_number((index + 1) * width), tuple(part)) for index, part in enumerate(parts)]


# ---- costs -----------------------------------------------------------------------------------------------------------


def costs(data: ReportData) -> str:
    if not data.costs:
        return section("Requests, tokens, time and cost", "<p class=empty>No model was asked.</p>")
    rows = [_cost_row(cost) for cost in data.costs]
    uses = [cost.use for cost in data.costs]
    known = [cost.usd for cost in data.costs if cost.usd is not None]
    rows.append(
        [
            "all",
            "",
            sum(use.requests for use in uses),
            sum(use.failed.total() for use in uses),
            sum(use.finish_reasons["length"] for use in uses),
            tokens_of(uses, "prompt_tokens"),
            tokens_of(uses, "completion_tokens"),
            duration(sum(use.wall_s for use in uses)),
            f"{sum(cost.gpu_hours for cost in data.costs):,.2f}",
            f"${sum(known):,.2f}" if len(known) == len(data.costs) else "–",
        ]
    )
    head = [
        "stage",
        "model",
        "requests",
        "failed",
        "cut",
        "prompt tokens",
        "completion tokens",
        "time",
        "GPU-hours",
        "cost",
    ]
    note = "Problems are shared by all recipes of a run: their stages are listed here, but were paid once. "
    note += "Time is that of all jobs and all of their tries together, waiting for the server included. "
    note += "“Cut” replies reached the token limit. A dash: config has no price for the model, or its server "
    note += "counts no tokens."
    return section(
        "Requests, tokens, time and cost",
        paragraph(note),
        table(head, rows, range(2, 10), sum_row=True),
        worth(data),
        _servers(data),
        _failures(data),
    )


def tokens_of(uses: Sequence[ModelUse], kind: str, say: Callable[[int], Cell] = lambda number: number) -> Cell:
    """The tokens of model stages, as `say` writes numbers: at least so many where some replies were not counted."""
    known = [tokens for tokens, _ in (use.tokens(kind) for use in uses) if tokens is not None]
    if uses and not known:
        return None
    is_part = len(known) < len(uses) or any(use.without_usage for use in uses)
    shown = say(sum(known))
    return f"≥ {shown:,}" if is_part and isinstance(shown, int) else f"≥ {shown}" if is_part else shown


def _cost_row(cost: Cost) -> list[Cell]:
    use = cost.use
    shards = "" if use.is_complete else f" ({use.shards_done} of {use.shards} shards)"
    name = f"{html.escape(MODEL_STAGES[use.stage])}{shards}<span class=name>{html.escape(use.stage)}</span>"
    return [
        Html(name),
        use.model,
        use.requests,
        use.failed.total(),
        use.finish_reasons["length"],
        tokens_of([use], "prompt_tokens"),
        tokens_of([use], "completion_tokens"),
        duration(use.wall_s),
        f"{cost.gpu_hours:,.2f}",
        None if cost.usd is None else f"${cost.usd:,.2f}",
    ]


def _servers(data: ReportData) -> str:
    uses = [cost.use for cost in data.costs if cost.use.full_load.is_enough]
    if not uses:
        return ""
    note = "What model servers said of themselves while their jobs had as many requests there as `concurrency` allows. "
    note += "“Lost room” are requests that others pushed out of the cache, which costs the work on them. "
    note += "Speed is `tokens_per_second` as config means it: completion tokens, and a tenth of the prompt tokens."
    head = ["stage", "model", "at full load", "ran", "waited", "cache used", "lost room", "speed", "advice"]
    return (
        "<h3>Were the servers busy?</h3>"
        + paragraph(with_code(note))
        + table(head, [_server_row(use) for use in uses], range(2, 8))
    )


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
        with_code(load.advice or ""),
    ]


def _failures(data: ReportData) -> str:
    rows: list[list[Cell]] = [
        [use.stage, kind, n] for use in (cost.use for cost in data.costs) for kind, n in sorted(use.failed.items())
    ]
    if not rows:
        return paragraph("No request failed for good.")
    return "<h3>Requests that failed for good</h3>" + table(["stage", "kind", "requests"], rows, (2,))


# ---- decontamination -------------------------------------------------------------------------------------------------


def contamination(data: ReportData) -> str:
    report = data.contamination
    if report is None:
        return section("Decontamination", "<p class=empty>Not done yet.</p>")
    nets = sorted({net for entry in report["benchmarks"].values() for net in entry["matched"]}, key=list(NETS).index)
    rows = []
    for name, entry in report["benchmarks"].items():
        removed: Counter[str] = Counter(entry["removed"])
        matched = [entry["matched"].get(net, 0) for net in nets]
        why = reasons_list(removed)
        rows.append([name, entry["rows"], *matched, entry["judged"], entry["unreadable"], removed.total(), why])
    head = ["benchmark", "its problems", *(NETS[net] for net in nets), "asked", "unreadable", "removed", "why"]
    return section(
        "Decontamination",
        paragraph(
            "A model trained on a benchmark's problems cannot be measured with it. Several nets look for problems "
            "that resemble one; a model is asked, in both orders, whether a found pair is the same problem. Columns "
            "count problems of this run: those that each net found, those that the model was asked about, those with "
            "a verdict that cannot be read (which are removed as well), and those removed."
        ),
        table(head, rows, range(1, 5 + len(nets))),
        _canaries(report["canaries"], nets),
    )


def _canaries(canaries: Mapping[str, Any], nets: list[str]) -> str:
    rows = [
        [
            CANARIES.get(kind, kind),
            entry["planted"],
            *(_share(entry["caught"].get(net)) for net in nets),
            _share(entry["caught_by_any_net"]),
            _share(entry["confirmed_by_model"]),
            _share(entry["removed"]),
        ]
        for kind, entry in canaries.items()
        if entry["planted"]
    ]
    if not rows:
        return paragraph("No canaries were planted, so nothing says how much the nets catch.")
    head = ["canaries", "planted", *(NETS[net] for net in nets), "any net", "the model agrees", "removed"]
    note = "To measure the nets, copies of benchmark problems were planted among the problems (and taken out again). "
    note += "A copy with other numbers is another problem: nets should find it, the model need not call it the same."
    return "<h3>Do the nets catch what they should?</h3>" + paragraph(note) + table(head, rows, range(1, 5 + len(nets)))


def _share(entry: Mapping[str, Any] | None) -> Cell:
    if entry is None or not entry["of"]:
        return None
    return f"{percent(entry['count'], entry['of'])} ({entry['count']:,} of {entry['of']:,})"
