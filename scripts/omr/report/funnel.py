"""The report's section on the way from threads to training rows: every step, and what it dropped."""

from __future__ import annotations

from omr.report.blocks import Cell, Named, Paragraph, Reasons, Section, Share, table
from omr.report.data import ReportData
from omr.report.words import Step
from omr.runs.counts import Counts


def funnel(data: ReportData) -> Section:
    """All steps of the run so far."""
    intro = Paragraph(
        "Each line is a step: how many rows it read and passed on, and why it dropped the others. Dropped rows are "
        "kept with their reasons. Where a step reads another number than the one above it wrote, its line says why."
    )
    title = f"From {'problems' if data.starts_from_problems else 'threads'} to training rows"
    if not data.steps:
        return Section(title, [intro, Paragraph("No step has run.", "soft")])
    rows: list[list[Cell]] = []
    before: Counts | None = None
    for step, counts in data.steps:
        rows.append(_row(step, counts, before))
        before = counts
    head = ["step", "of", "read", "passed", "share", "became", "dropped, and why"]
    return Section(title, [intro, table(head, rows, numbers=(2, 3, 5))])


def _row(step: Step, counts: Counts, before: Counts | None) -> list[Cell]:
    read, passed = counts["read"], counts["passed"]
    differs = before is not None and before["written"] != read
    dropped, parts = counts["dropped"], counts.get("dropped_parts", {})
    return [
        Named(step.does, step.stage, note=step.reads if differs else ""),
        step.unit,
        read,
        passed,
        Share(passed, read),
        counts["written"],
        Reasons(dropped, step.stage, parts) if dropped or parts else "nothing",
    ]
