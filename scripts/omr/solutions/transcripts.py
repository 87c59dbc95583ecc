r"""A solution that ran code, as prose and blocks: told apart by the places that were stored with it, never by spelling.

What code prints may look like anything: a fence, a closing tag, `</think>`, `\boxed{1}`. Readers of prose get it with
the blocks blanked, at the same places (`Transcript.spoken`).
"""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import dedent
from typing import NamedTuple

from omr.answers.reasoning import split_reasoning
from omr.errors import UserError
from omr.replies.reply import Reply
from omr.replies.steps import Step, steps_of
from omr.turns.tags import OPEN_TAG, tagged

_THINK, _END_THINK = "<think>", "</think>"


class Transcript(NamedTuple):
    """A text, and where in it the blocks lie that were run, each with all that was inserted behind it."""

    text: str
    steps: tuple[Step, ...] = ()

    @property
    def spoken(self) -> str:
        """The text with spaces in place of its blocks, so that places in it are places in the text."""
        pieces, place = [], 0
        for step in self.steps:
            pieces += [self.text[place : step.block_from], " " * (step.block_to - step.block_from)]
            place = step.block_to
        return "".join([*pieces, self.text[place:]])

    @property
    def prose(self) -> list[str]:
        """What stands before, between and behind the blocks: one piece more than there are blocks."""
        starts = [0, *(step.block_to for step in self.steps)]
        ends = [*(step.block_from for step in self.steps), len(self.text)]
        return [self.text[start:end] for start, end in zip(starts, ends, strict=True)]

    @property
    def codes(self) -> list[str]:
        """The code of each block."""
        return [step.code(self.text) for step in self.steps]

    @property
    def pieces(self) -> list[str]:
        """Prose, code and outputs: all that the model wrote or its code printed, without tags and fences."""
        return [*self.prose, *self.codes, *(step.output(self.text) for step in self.steps)]

    def part(self, start: int, end: int) -> Transcript:
        """The text from `start` to `end`, places in prose, without white space around it."""
        text = self.text[start:end]
        start += len(text) - len(text.lstrip())
        steps = [step for step in self.steps if start <= step.block_from and step.block_to <= end]
        return Transcript(text.strip(), tuple(_moved(step, -start, len(text.strip())) for step in steps))


def _moved(step: Step, by: int, most: int) -> Step:
    # A block at the end of a part may lose the line end behind it.
    places = [min(place + by, most) for place in step[:-1]]
    block_from, code_from, code_to, output_from, output_to, block_to = places
    return Step(block_from, code_from, code_to, output_from, output_to, block_to, step.status)


def joined(pieces: Iterable[Transcript | str]) -> Transcript:
    """Pieces of text, some with blocks, as one."""
    texts: list[str] = []
    steps: list[Step] = []
    length = 0
    for piece in pieces:
        part = Transcript(piece) if isinstance(piece, str) else piece
        texts.append(part.text)
        steps += [_moved(step, length, length + len(part.text)) for step in part.steps]
        length += len(part.text)
    return Transcript("".join(texts), tuple(steps))


def transcript_of(reply: Reply) -> Transcript:
    """The text of a reply with its blocks. Raises UserError for places that no text can have."""
    try:
        return Transcript(reply["text"] or "", tuple(steps_of(reply)))
    except ValueError as error:
        remedy = "the file of solutions is damaged: delete it and run again, finished replies come from its journal"
        raise UserError(str(error), remedy=remedy) from error


def split(transcript: Transcript) -> tuple[Transcript, Transcript]:
    """The reasoning and what follows it, as `split_reasoning` tells them apart; either may hold blocks."""
    spoken, length = transcript.spoken, len(transcript.text)
    within, rest = split_reasoning(spoken)
    start = _rest_starts(spoken)
    end = start + len(rest)
    solution = transcript.part(start, end)
    if within is None:
        return Transcript(""), solution
    if start == 0:  # the reasoning never ended
        return transcript.part(end + len(_THINK), length), solution
    opened = len(spoken) - len(spoken.lstrip())
    opened = opened + len(_THINK) if spoken.startswith(_THINK, opened) else 0
    reasoning = transcript.part(opened, start - len(_END_THINK))
    if end < length:  # it began anew
        reasoning = joined([reasoning, _END_THINK, transcript.part(end, length)])
    return reasoning, solution


def _rest_starts(spoken: str) -> int:
    """Where the text begins that `split_reasoning` gives as what follows the reasoning."""
    end = spoken.rfind(_END_THINK)
    return end + len(_END_THINK) if end >= 0 else 0


def last_words(transcript: Transcript) -> str:
    """What is said after the reasoning and after the last block: there the final answer stands.

    An answer that is followed by code was not final: the code may have changed it.
    """
    spoken = transcript.spoken
    start = _rest_starts(spoken)
    end = start + len(split_reasoning(spoken)[1])
    ran_until = transcript.steps[-1].block_to if transcript.steps else 0
    return spoken[max(start, ran_until) : end]


def published(transcript: Transcript) -> Transcript:
    """The same with every block between the tags of the published rows; one that has them stays as the model saw it.

    What was inserted behind a block (its output in a fence, the note of what is left) stays as it is.
    """
    text, pieces, place = transcript.text, list[Transcript | str](), 0
    for step in transcript.steps:
        pieces.append(text[place : step.block_from])
        place = step.block_to
        if text.startswith(OPEN_TAG, step.block_from):
            block = Transcript(text[step.block_from : step.block_to], (_moved(step, -step.block_from, len(text)),))
        else:
            block = _with_tags(text, step)
        pieces.append(block)
    return joined([*pieces, text[place:]])


def _with_tags(text: str, step: Step) -> Transcript:
    code = dedent(step.code(text)).strip("\r\n")
    # What closes the code stands on the first line behind it; the rest is ours.
    inserted = text[step.code_to : step.output_from].lstrip("\r\n").partition("\n")[2]
    before = f"{tagged(code)}\n{inserted}"
    code_from = len(OPEN_TAG) + 1
    output, after = step.output(text), text[step.output_to : step.block_to]
    output_to = len(before) + len(output)
    step = Step(0, code_from, code_from + len(code), len(before), output_to, output_to + len(after), step.status)
    return Transcript(before + output + after, (step,))


def note(transcript: Transcript, step: Step) -> str:
    """What the model was told behind a block's output, without its fences; "" where it was told nothing."""
    lines = transcript.text[step.output_to : step.block_to].splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.startswith("```"))
