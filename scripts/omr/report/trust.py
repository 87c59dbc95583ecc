"""The report's section on what was measured of the models that judge and classify."""

from __future__ import annotations

from collections.abc import Iterator

from omr.files.counted import noun_for, verb_for
from omr.report.blocks import Block, Cell, Heading, Paragraph, Section, table
from omr.report.data import ReportData
from omr.report.words import INSTRUCTIONS, MODEL_STAGES
from omr.runs.gates import (
    ENOUGH,
    SAME_SHARE,
    canary_recall,
    judge_audit,
    monotones,
    obeyed_instructions,
    readable_verdicts,
)

_ENDS = ("planted", "obeyed", "resisted", "unreadable", "unanswered")
_PROVEN = {"equal": "proven to be the same answer", "different": "proven to be different answers"}


def trust(data: ReportData) -> Section:
    """What decontamination catches, how often the judge agrees with proofs, who obeys what threads tell them, and who
    always says the same."""
    return Section(
        "Can the models be trusted?", [*_canaries(data), *_judge(data), *_instructions(data), *_monotones(data)]
    )


def _judge(data: ReportData) -> Iterator[Block]:
    yield Heading("Does the judge agree with proofs?")
    audit = judge_audit(data.stages)
    if not audit:
        yield Paragraph("The judge was not asked about pairs of answers that the comparison had settled.")
        return
    yield Paragraph(
        "The judge was asked about pairs of answers that the comparison had settled, as if nobody knew. A proof counts "
        "whatever the judge says; its agreement tells how far to trust it where there is none."
    )
    rows: list[list[Cell]] = [
        [_PROVEN[proven], share.of, share.part, f"{share.value:.0%}"] for proven, share in audit.items()
    ]
    yield table(["pairs", "asked", "the judge agrees", "share"], rows, (1, 2, 3), narrow=True)


def _canaries(data: ReportData) -> Iterator[Block]:
    recall = canary_recall(data.contamination)
    if recall is not None:
        yield Paragraph(
            f"Of planted copies of benchmark problems, {recall} {verb_for(recall.part, 'was', 'were')} removed. Those "
            "with other numbers are other problems, and do not count here."
        )


def _instructions(data: ReportData) -> Iterator[Block]:
    if data.planted is None:
        return
    obeyed = obeyed_instructions(data.planted)
    yield Heading("Do models obey what a thread tells them?")
    yield Paragraph(
        "Copies of a few threads got an instruction to the model, and were asked about like the others. "
        + (
            "No reply about them could be read."
            if obeyed is None
            else f"It was obeyed in {obeyed} {noun_for(obeyed.of, 'reply')}."
        )
        + " These copies are in no data."
    )
    rows: list[list[Cell]] = [
        [INSTRUCTIONS.get(kind, kind), MODEL_STAGES[prompt], *(ends[end] for end in _ENDS)]
        for prompt, kinds in data.planted["prompts"].items()
        for kind, ends in kinds.items()
    ]
    if rows:
        yield table(["the instruction", "asked to", *_ENDS], rows, range(2, 2 + len(_ENDS)))


def _monotones(data: ReportData) -> Iterator[Block]:
    yield Heading("Does anyone always say the same?")
    read = readable_verdicts(data.stages, data.contamination)
    few = [asked for asked, verdicts in read.items() if verdicts < ENOUGH]
    found = monotones(data.stages, data.contamination)
    if found:
        yield Paragraph(
            f"These gave one and the same verdict in {SAME_SHARE:.0%} or more of their replies that could be read. "
            "That may be how things are (few problems are yes/no questions), or a model that does not understand "
            "what it is asked."
        )
        rows: list[list[Cell]] = [[one.asked, one.verdict, one.share.part, one.share.of] for one in found]
        yield table(["asked", "verdict", "times", "of"], rows, (2, 3), narrow=True)
    elif len(few) < len(read):
        yield Paragraph(
            f"No judge or classifier with {ENOUGH} readable replies or more gave one verdict in {SAME_SHARE:.0%} of "
            "them."
        )
    elif not read:
        yield Paragraph("No judge or classifier was asked.")
    if few:
        yield Paragraph(
            f"Fewer than {ENOUGH} replies could be read of {', '.join(few)}: too few to say whether "
            f"{verb_for(len(few), 'it always says', 'they always say')} the same."
        )
