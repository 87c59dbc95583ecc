"""The report's section of a recipe that compares solutions: how good the choices are, and whether they are worth it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any

from omr.files.counted import counted, noun_for, verb_for
from omr.report.blocks import Block, Cell, Heading, Paragraph, Section, Table, percent, table
from omr.report.data import ReportData
from omr.runs.counts import summed
from omr.selections.figures import Worth, worth_of
from omr.training.card import rewritten_by

#: A position that is chosen so many standard deviations more or less often than lots would have it is told of.
_FAR = 4.0
_SOURCES = {
    "extracted": "the answer was given: by the forum, or with the problem",
    "majority": "the answer is what most solutions say",
}


def about_selections(data: ReportData) -> str:
    """What the page is about, for its head."""
    sources = " and ".join(data.settings["candidates"]["from"])
    return (
        f"This run turned {data.origin} into training data for a language model that reasons. "
        f"Here, right and wrong solutions of one problem (of {sources}), {rewritten_by(data.summary_models)}, "
        f"are put side by side; {data.model.path} chooses the best of them; only comparisons that chose a right one "
        "became training rows. Every number on this page was counted by the run itself."
    )


def selection_tiles(data: ReportData) -> list[tuple[Cell, str]]:
    """The key figures of comparisons."""
    worth, groups = _whole(data), data.stages.get("form_groups", {}).get("written")
    readable = 0 if worth is None else worth.groups
    return [
        (groups, f"{noun_for(groups or 0, 'group')} of solutions"),
        (
            None if worth is None else _share(worth.right),
            f"of {counted(readable, 'readable choice')} {verb_for(readable)} right",
        ),
    ]


def _picks(data: ReportData) -> Mapping[str, Any]:
    picks: Mapping[str, Any] = data.stages.get("parse_selections", {}).get("picks", {})
    return picks


def _whole(data: ReportData) -> Worth | None:
    tally = summed(_picks(data).get("by_size", {}).values())
    return worth_of(tally) if tally else None


def selections(data: ReportData) -> Section:
    """The whole section."""
    worth = _whole(data)
    if worth is None:
        return Section("Choices", [Paragraph("No comparison has been read yet.", "soft")])
    picks = _picks(data)
    about = (
        f"Of {counted(worth.groups, 'choice')} that could be read, {_share(worth.right)} are right. Drawing lots in "
        f"the same groups would give {_share(worth.chance)}, taking the commonest answer of each group "
        f"{_share(worth.majority)}."
    )
    blocks: list[Block] = [
        Paragraph(about),
        Paragraph(verdict_in_words(worth), "strong"),
        Heading("By size of the group"),
        _worth_table("candidates", {str(int(size)): tally for size, tally in picks["by_size"].items()}),
        Heading("By where the right answer is from"),
        _worth_table("", {_SOURCES.get(name, name): tally for name, tally in picks["by_answer_source"].items()}),
        *_majority_note(picks["by_answer_source"]),
        Heading("By position"),
        *_positions(picks["by_position"]),
        *_repaired(data),
    ]
    return Section("Choices", blocks)


def verdict_in_words(worth: Worth) -> str:
    """Whether the choices are better than the majority of the same groups."""
    gain = f"{100 * abs(worth.right - worth.majority):.1f} points"
    if worth.verdict == "adds":
        return f"The choices are better than the majority of the same groups, by {gain}."
    if worth.verdict == "unsure":
        return f"The choices are {gain} above the majority of the same groups, which may be luck: nothing is shown."
    how = "as good as" if worth.right == worth.majority else f"{gain} worse than"
    return f"This branch adds nothing: the choices are {how} the majority of the same groups."


def _share(share: float) -> str:
    return f"{100 * share:.1f}%"


def _worth_table(what: str, tallies: Mapping[str, Mapping[str, float]]) -> Table:
    rows: list[list[Cell]] = []
    for name, tally in tallies.items():
        worth = worth_of(tally)
        if worth is not None:
            shares = (worth.right, worth.chance, worth.majority)
            rows.append([name, worth.groups, *map(_share, shares)])
    return table([what, "choices", "right", "by lot", "by majority"], rows, (1, 2, 3, 4), narrow=True)


def _majority_note(tallies: Mapping[str, Any]) -> Iterator[Block]:
    if "majority" in tallies:
        yield Paragraph(
            "Where nobody stated the answer, a solution counts as right if it agrees with most solutions of its "
            "problem. Such groups teach to choose the commonest answer; `answer_sources` of the recipe can leave them "
            "out."
        )


def _positions(positions: Mapping[str, Mapping[str, float]]) -> Iterator[Block]:
    rows: list[list[Cell]] = []
    far = []
    for name, at in positions.items():
        picked, chance = int(at["picked"]), at["chance"]
        rows.append([str(int(name)), int(at["groups"]), picked, f"{chance:,.1f}", percent(int(at["right"]), picked)])
        if chance and abs(picked - chance) > _FAR * sqrt(chance):
            far.append(f"{int(name)} ({'more' if picked > chance else 'less'} often)")
    yield Paragraph(
        "Candidates are shown in an order that follows from hashes, so a model without a liking for a position chooses "
        "each about as often as lots would."
    )
    head = ["position", "groups that have it", "chosen", "by lot", "of these right"]
    yield table(head, rows, (1, 2, 3, 4), narrow=True)
    if far:
        yield Paragraph(f"The choices lean: position {', '.join(far)} than lots would have it.")


def _repaired(data: ReportData) -> Iterator[Block]:
    fates = data.stages.get("merge_wrong_summaries", {}).get("candidates", {})
    if fates:
        total = sum(fates.values())
        faithful, repaired = fates.get("faithful", 0), fates.get("answer_repaired", 0)
        yield Paragraph(
            f"Wrong solutions were rewritten too. Of {counted(total, 'such text')}, {faithful:,} provably "
            f"{verb_for(faithful, 'states', 'state')} the solution's own wrong answer; {repaired:,} "
            f"({percent(repaired, total)}) {verb_for(repaired, 'states', 'state')} the right one instead, and "
            f"{verb_for(repaired, 'was', 'were')} not used."
        )
