"""The report's section on pass rates and lengths, and on what one has to do with the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from omr.files.counted import counted
from omr.report.blocks import Block, Chart, Paragraph, Section, short_number
from omr.report.charts import nice_step
from omr.report.data import ReportData
from omr.report.words import SHARE_GROUPS
from omr.solutions.solution_figures import OTHER, RIGHT, SolutionFigures, length_step, median, share_group

_KINDS = {RIGHT: "right", OTHER: "wrong or not judged"}


def distributions(data: ReportData) -> Section:
    """The section; of a recipe that compares solutions only the lengths of its rows."""
    blocks: list[Block] = [] if data.solutions is None else list(_solutions(data, data.solutions))
    if data.product is not None:
        labels, values = length_bars({"rows": data.product.lengths})
        blocks.append(Chart("Length of the training rows", labels, values, "characters of the solution, below", "rows"))
    title = "How long" if data.is_selection else "How hard, and how long"
    return Section(title, blocks or [Paragraph("No solution has been judged yet.", "soft")])


def _solutions(data: ReportData, figures: SolutionFigures) -> Iterator[Block]:
    # Also those whose solutions nobody judged.
    asked = figures.problems if data.problems_asked is None else data.problems_asked
    yield Paragraph(
        "The pass rate says how hard a problem is for the model. Solutions that were cut, or state no answer or "
        "several, count as wrong. Requests that failed and solutions whose verdict is missing do not count, nor do "
        f"those of problems without an answer to judge by: it is unknown for {asked - figures.rated:,} of "
        f"{counted(asked, 'problem')} that the model was asked about."
    )
    yield Chart(
        "Pass rate: how many of a problem's solutions are right",
        SHARE_GROUPS,
        {"problems": share_bars(figures.pass_rates)},
        "share of right solutions",
        "problems",
    )
    lengths = {name: sum(figures.lengths[kind].values(), Counter[int]()) for kind, name in _KINDS.items()}
    if any(lengths.values()):
        labels, values = length_bars(lengths)
        yield Chart("Length of the solutions", labels, values, "completion tokens, below", "solutions")
        yield _length_by_rate(figures)
    if figures.without_length:
        yield Paragraph(
            f"Nobody counted the tokens of {counted(figures.without_length, 'solution')}: no length tells of them."
        )


def _length_by_rate(figures: SolutionFigures) -> Chart:
    """Of solutions that count in the pass rate: where all of them are right, none is wrong."""
    series = {
        name: [median(figures.lengths[kind].get(group, {})) for group in range(len(SHARE_GROUPS))]
        for kind, name in ((RIGHT, "right"), (OTHER, "wrong"))
    }
    return Chart(
        "Length against pass rate: are harder problems thought about for longer?",
        SHARE_GROUPS,
        series,
        "share of a problem's solutions that are right",
        "completion tokens of the middle solution, to two digits, of those that count in the pass rate",
        stacked=False,
    )


def share_bars(shares: Mapping[tuple[int, int], int]) -> list[int]:
    """Numbers by group of a share, from numbers by (part, whole)."""
    bars = [0] * len(SHARE_GROUPS)
    for pair, number in shares.items():
        bars[share_group(*pair)] += number
    return bars


def length_bars(lengths: Mapping[str, Counter[int]]) -> tuple[list[str], dict[str, list[int]]]:
    """(labels, values by series) of bars of a round width, from zero to the longest; lengths have two digits."""
    longest = max((length for counter in lengths.values() for length in counter), default=0)
    # A bar holds all that is counted together.
    width = max(nice_step(longest + 1, 24), length_step(longest))
    values = {name: [0] * (longest // width + 1) for name in lengths}
    for name, counter in lengths.items():
        for length, n in counter.items():
            values[name][length // width] += n
    return [short_number((place + 1) * width) for place in range(longest // width + 1)], values
