"""The report's section on reposts: how many there are, and how well the search for them tells them apart."""

from __future__ import annotations

from collections.abc import Iterator

from omr.files.counted import counted, verb_for
from omr.report.blocks import Block, Cell, Heading, Paragraph, Section, table
from omr.report.data import ReportData
from omr.report.words import PLANTED_PROBLEMS
from omr.runs.counts import Counts
from omr.runs.gates import Share

_KINDS = (("copies", "found", "yes"), ("near_misses", "taken_for_copies", "no"))


def reposts(data: ReportData) -> Section | None:
    """The section; None where nothing looked for reposts yet."""
    counts = data.stages.get("deduplicate")
    if counts is None:
        return None
    groups, marked = counts.get("groups", 0), counts.get("marked", 0)
    dropped = sum(counts["dropped"].values())
    fate = (
        f"{dropped:,} of them {verb_for(dropped, 'was', 'were')} dropped"
        if dropped
        else f"{verb_for(marked, 'it is', 'they are')} kept, and marked"
        if marked
        else "none was dropped"
    )
    about = (
        "Problems are posted again and again. One counts as a repost of another if it says the same by rules that know "
        f"other LaTeX and few other words; no model is asked. Of {counted(counts['read'], 'problem')}, {marked:,} "
        f"{verb_for(marked, 'is a repost of another', 'are reposts of others')}, in {counted(groups, 'group')}; {fate}."
    )
    return Section("Reposts", [Paragraph(about), *_measure(counts)])


def _measure(counts: Counts) -> Iterator[Block]:
    rows: list[list[Cell]] = []
    for side, what, is_repost in _KINDS:
        for kind, of in counts.get(side, {}).items():
            share = Share(of[what], of["planted"]) if of["planted"] else None
            told = None if share is None else f"{share.value:.0%}"
            rows.append([PLANTED_PROBLEMS.get(kind, kind), is_repost, of["planted"], of[what], told])
    if not any(row[2] for row in rows):
        yield Paragraph("No copies could be made of these problems, so nothing says how well that works.")
        return
    yield Heading("Does the search know a repost?")
    yield Paragraph(
        "To measure it, copies of the run's own problems were made and compared with them, as if both had the same "
        "answer, which is the hardest case. What is a repost should be taken for one, and nothing else. These copies "
        "are in no data."
    )
    yield table(["copies", "a repost?", "made", "taken for one", "share"], rows, (2, 3, 4), narrow=True)
