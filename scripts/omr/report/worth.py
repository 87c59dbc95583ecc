"""What solutions were worth: what a problem solved and a row kept took, and what asking evenly would have taken."""

from __future__ import annotations

from collections.abc import Iterator

from omr.config.seeds import is_planned, most_seeds
from omr.files.counted import counted
from omr.report.blocks import Paragraph
from omr.report.data import ReportData
from omr.runs.counts import PROBLEM_STAGES


def worth(data: ReportData) -> Iterator[Paragraph]:
    """Sentences for the section of costs; nothing for a recipe that solves no problems or has made no rows."""
    asked = next((cost for cost in data.costs if cost.use.stage == "generate_solutions"), None)
    problems = data.problems_asked or 0
    if asked is None or data.product is None or not data.product.rows or not problems:
        return
    rows, solved, solutions = data.product.rows, data.product.problems, asked.use.answered
    said = (
        f"{counted(solutions, 'solution')} of {counted(problems, 'problem')} became {counted(rows, 'training row')} of "
        f"{counted(solved, 'problem')}: "
        f"{solutions / rows:,.1f} solutions per row, {solutions / solved:,.1f} per problem with a row."
    )
    hours = [cost.gpu_hours for cost in data.costs if cost.use.stage not in PROBLEM_STAGES]
    if (known := sum(filter(None, hours))) and None not in hours:
        said += f" Of this recipe's {known:,.1f} GPU-hours, a row took {known / rows:.3g}, "
        said += f"such a problem {known / solved:.3g}."
    yield Paragraph(said)
    yield from _evenly(data, asked.use.requests, problems, asked.gpu_hours)


def _evenly(data: ReportData, requests: int, problems: int, gpu_hours: float | None) -> Iterator[Paragraph]:
    """What asking every problem as often as any would have taken, where problems got different numbers."""
    if not is_planned(data.settings) or not requests:
        return
    most = most_seeds(data.settings)
    times = most * problems / requests
    said = (
        f"Problems were asked for different numbers of solutions, by a table or in rounds. {most} of every problem "
        f"would have been {counted(most * problems, 'request')}, {times:,.1f} times as many"
    )
    yield Paragraph(
        said + (f", and {gpu_hours * times:,.1f} GPU-hours instead of {gpu_hours:,.1f}." if gpu_hours else ".")
    )
