"""Blocks of code, each with the text around it: what a model is shown to say whether the code was worth running."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from omr.solutions.transcripts import Transcript

#: Why a block that was run is no fragment, by its status; one that is `ok` is one. It shows no result.
FAULTS = {"error": "traceback", "timeout": "timeout", "killed": "timeout", "memory": "memory"}


class Fragment(NamedTuple):
    """The number of a block, from 0, and its text with what is around it, or why it is none (`fault`)."""

    block: int
    text: str
    fault: str | None


def fragments(transcript: Transcript, window: int) -> list[Fragment]:
    """Every block of a solution in the published form, with up to `window` characters of prose on either side.

    The prose reaches never into a neighbouring block.
    """
    prose, found = transcript.prose, []
    for number, step in enumerate(transcript.steps):
        before, after = prose[number], prose[number + 1]
        block = transcript.text[step.block_from : step.block_to]
        text = before[-window:] + block + after[:window] if window else block
        found.append(Fragment(number, text.strip(), None if step.status == "ok" else FAULTS.get(step.status, "died")))
    return found


class Worth(StrEnum):
    """What the votes on a fragment say of its code."""

    SIGNIFICANT = "significant"
    MODERATE = "moderate"
    TRIVIAL = "trivial"
    CHECK = "check"
    UNJUDGED = "unjudged"


def worth(novelty: Sequence[str | None], significance: Sequence[str | None], needed: int) -> Worth:
    """The worth of a fragment from its votes, of which `needed` must be readable (None: unreadable).

    New is what all of them call new; its significance is the worst that one of them saw. One vote against settles
    either, however many could not be read; what is unreadable settles nothing.
    """
    if "check" in novelty:
        return Worth.CHECK
    if "trivial" in significance:
        # Whether it is new does not matter then.
        return Worth.TRIVIAL
    if min(_readable(novelty), _readable(significance)) < needed:
        return Worth.UNJUDGED
    return Worth.MODERATE if "moderate" in significance else Worth.SIGNIFICANT


def _readable(votes: Sequence[str | None]) -> int:
    return sum(vote is not None for vote in votes)


def needs_code(worths: Sequence[Worth], moderate_share: str) -> bool | None:
    """Whether a solution needed its code; None where votes that could not be read decide.

    It did with one significant fragment, or with moderate ones as `moderate_share` says: `more_than_half` of all
    fragments (the paper, section 3), or `half` (the reference's scripts).
    """
    known = Counter(worths)
    if _suffices(known[Worth.SIGNIFICANT], known[Worth.MODERATE], len(worths), moderate_share):
        return True
    # At best all of the unjudged ones are significant.
    return None if known[Worth.UNJUDGED] else False


def _suffices(significant: int, moderate: int, of: int, moderate_share: str) -> bool:
    enough = 2 * moderate >= of if moderate_share == "half" else 2 * moderate > of
    return significant > 0 or (moderate > 0 and enough)
