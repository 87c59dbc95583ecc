"""The report's section that puts the recipes of a run side by side."""

from __future__ import annotations

from omr.report.blocks import Cell, Named, Paragraph, Section, Share, percent, table
from omr.report.costs import gpu_hours_of, tokens_of
from omr.report.data import Compared, ReportData

_MODES = {"cot": "reasoning", "tir": "reasoning with code", "genselect": "comparing solutions"}


def compared(data: ReportData) -> Section | None:
    """The section; none for a run of one recipe."""
    if len(data.compared) < 2:
        return None
    made = [one for one in data.compared if one.rows is not None]
    missing = [one.recipe for one in data.compared if one.rows is None]
    words = (
        "What each recipe of the run made of the same problems. Requests, tokens and GPU-hours are those of the recipe "
        "alone: problems are found once for all of them. Solutions are replies: those that nobody could judge or "
        "read are among them, and are not right ones. What a recipe that compares solutions chooses is counted as its "
        "solutions; those that it compares are the others'."
    )
    if missing:
        words += f" Not finished when this page was written: {', '.join(missing)}."
    head = ["recipe", "model", "problems", "solutions", "right", "share", "rows", "tokens written", "GPU-hours"]
    rows = [_row(one, data.recipe) for one in made]
    return Section("The recipes beside each other", [Paragraph(words), table(head, rows, (2, 3, 4, 6, 7, 8))])


def _row(one: Compared, here: str) -> list[Cell]:
    mode = _MODES[one.mode] + (", this page" if one.recipe == here else "")
    share = None if one.right is None or not one.solutions else Share(one.right, one.solutions)
    uses = [cost.use for cost in one.costs]
    return [
        Named(one.recipe, mode),
        one.model,
        one.problems,
        one.solutions,
        None if one.right is None else f"{one.right:,} ({percent(one.right, one.solutions or 0)})",
        share,
        one.rows,
        tokens_of(uses, "completion_tokens"),
        gpu_hours_of(one.costs),
    ]
