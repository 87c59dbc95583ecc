"""Why a right solution with code teaches nothing about using code, by what was run and what was said.

Read from the blocks that were run and from the prose around them, never by searching outputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from omr.answers.final_answer import final_answer
from omr.answers.prose import claimed_answers
from omr.files.patterns import lazy
from omr.replies.reply import Reply
from omr.solutions.plotting import plots
from omr.solutions.shown_code import shows_output, shows_python
from omr.solutions.transcripts import Transcript
from omr.turns.tags import CLOSE_TAG, OPEN_TAG

#: Whether two answers are provably the same.
Same = Callable[[str, str], bool]

#: What an ending says of a solution's code; other solutions that did not end by themselves are unfinished.
FAULTS_OF_ENDINGS = {"too_many_blocks": "budget_overused", "unclosed_block": "block_not_run"}

#: What stands behind outputs, or around them in other chats.
_INVENTED = lazy(
    r"^[ \t>]*+(?:`{3,}+|~{3,}+)[ \t]*+(?:system|tool_response)\b|</?tool_response>", re.IGNORECASE | re.MULTILINE
)
_THINK_TAG = lazy(r"</?think>")
#: Of a long text before the code, so many different claims are compared with the answer.
_MOST_CLAIMS = 64


class Rules(NamedTuple):
    """What a recipe asks: most blocks (None: no bound), and whether an answer may be stated before the first one."""

    max_blocks: int | None
    answer_may_come_first: bool


def fault_of_ending(reply: Reply) -> str | None:
    """What the way in which a solution ended says of its code, or None."""
    return FAULTS_OF_ENDINGS.get(reply.get("ended") or "")


def fault_of_code(transcript: Transcript, answer: str, rules: Rules, same: Same) -> str | None:
    """Why a right, finished solution is dropped, or None.

    Reasons, the first that holds: no_code, sandbox_failed, block_not_run, invented_output, too_many_blocks,
    box_before_code, answer_before_code, no_block_succeeded, plotting.
    """
    if not transcript.steps:
        return "no_code"
    return (
        _fault_of_blocks(transcript, rules) or _fault_of_order(transcript, answer, rules, same) or _useless(transcript)
    )


def _fault_of_blocks(transcript: Transcript, rules: Rules) -> str | None:
    if any(step.status == "broken" for step in transcript.steps):
        return "sandbox_failed"
    prose = transcript.prose
    # Its own tags, or those of another style: written as code, and nobody ran it.
    if any(tag in piece for piece in prose for tag in (OPEN_TAG, CLOSE_TAG)) or any(map(shows_python, prose)):
        return "block_not_run"
    if any(shows_output(piece) or _INVENTED.search(piece) for piece in prose):
        return "invented_output"
    if rules.max_blocks is not None and len(transcript.steps) > rules.max_blocks:
        return "too_many_blocks"
    return None


def _fault_of_order(transcript: Transcript, answer: str, rules: Rules, same: Same) -> str | None:
    first = _THINK_TAG.sub(" ", transcript.prose[0])
    if final_answer(first) is not None:
        return "box_before_code"
    if rules.answer_may_come_first:
        return None
    claims = islice(dict.fromkeys(claimed_answers(first)), _MOST_CLAIMS)
    return "answer_before_code" if any(claim == answer or same(claim, answer) for claim in claims) else None


def _useless(transcript: Transcript) -> str | None:
    if all(step.status != "ok" for step in transcript.steps):
        return "no_block_succeeded"
    return "plotting" if plots(transcript.codes) else None
