"""Candidate summaries of a reasoning trace, read from their replies: new texts that explain, and state one answer."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

from omr.answers.reasoning import split_reasoning
from omr.files.jsonl import Fields, Row
from omr.replies.reply import ReplyIndex, usable_text
from omr.solutions.solution import answer_shown

#: The prompt that asks for summaries; its name is part of a reply's identity.
PROMPT_NAME = "summarize_solution"
#: Fields of a trace that are no part of its judged row.
OF_TRACE = frozenset({"problem_id", "problem", "solution", "code", "reply"})
#: What a trace must have for its candidates to be read.
TRACE: Fields = {"id": str, "problem": str, "solution": str}

_STOPS, _WIDE_STOPS = ".!?", "。！？"
_END = "\0"  # between pieces: no text has it, see omr/answers/damage.py
_SPACES = "".join(filter(str.isspace, map(chr, range(0x3001))))
#: White space that is rare in texts.
_RARE_SPACES = _SPACES.replace(" ", "").replace("\n", "")
#: What a skeleton has not: the bytes of which white space is made, and marks and letters that are in every text.
_NO_BONES = _SPACES.encode() + rb"etaoinshrdlcumfg.,:;()[]{}$\\_^=-'"
_WORD = re.compile(r"\\?[^\W\d_]+|\d+")
#: Shorter pieces (a formula, a phrase) are the same in every text about a problem.
_PIECE_CHARS = 20
#: A summary with so great a share of its pieces, by their characters, word for word from the trace is a copy of it.
_COPIED_SHARE = 0.6
#: A single sentence with fewer words, numbers and commands that the problem does not have explains nothing.
_NEW_WORDS = 6


class Candidate(NamedTuple):
    """One summary: its number, what a reader sees of it, its boxed answer; without an answer, `fault` says why.

    Faults: `no_answer`, `several_answers`, `copy_of_reasoning`, `no_explanation`, and those of
    `omr.replies.reply.usable_text`.
    """

    number: int
    text: str
    answer: str | None
    fault: str | None


class Candidates:
    """The summaries of traces, `count` each."""

    def __init__(self, replies: ReplyIndex, count: int) -> None:
        self._replies = replies
        self._count = count

    def of(self, trace: Row) -> list[Candidate]:
        """All candidates of a trace (a row with the fields `TRACE`), by number."""
        reasoning = Reasoning(trace["solution"])
        return [self._read(trace, reasoning, number) for number in range(self._count)]

    def _read(self, trace: Row, reasoning: Reasoning, number: int) -> Candidate:
        shown, fault = shown_summary(self._replies, trace["id"], number)
        if shown is None:
            return Candidate(number, "", None, fault)
        answer, fault = answer_shown(shown)
        if answer is None:
            return Candidate(number, "", None, fault)
        shown = shown.strip()
        fault = fault_of(shown, reasoning, trace["problem"])
        return Candidate(number, "", None, fault) if fault else Candidate(number, shown, answer, None)


def shown_summary(replies: ReplyIndex, trace_id: str, number: int) -> tuple[str, None] | tuple[None, str]:
    """(what a reader sees of a summary, None), or (None, the fault of its reply)."""
    text, fault = usable_text(replies.get(trace_id, PROMPT_NAME, number))
    if text is None:
        return None, fault or "no_reply"
    # A summarizing model may think aloud first; its reader does not see that.
    return split_reasoning(text)[1], None


def judged_row(trace: Row) -> Row:
    """The judged row of the solution that a trace is of; `id` is that of the trace still."""
    return {field: value for field, value in trace.items() if field not in OF_TRACE}


class Reasoning:
    """A trace's text, in which pieces of its summaries are looked for; white space counts as white space only."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _spaced(self) -> str:
        """With its words parted by single spaces."""
        return " ".join(self._text.split())

    @cached_property
    def _skeleton(self) -> bytes:
        return _skeleton(self._text)

    def __contains__(self, piece: str) -> bool:
        """Whether a piece (its words parted by single spaces) stands in the text word for word."""
        return _skeleton(piece) in self._skeleton and (piece in self._text or piece in self._spaced)


def _skeleton(text: str) -> bytes:
    """A text without some bytes, so without its white space too: where it stands in another, so does its skeleton.

    Most pieces stand nowhere in a reasoning, which its skeleton shows in a third of the time.
    """
    return text.encode(errors="surrogatepass").translate(None, _NO_BONES)


def fault_of(summary: str, reasoning: Reasoning, problem: str) -> str | None:
    """Why a text is no summary of the reasoning, or None.

    `copy_of_reasoning`: most of it stands there word for word. `no_explanation`: one sentence that says little more
    than the problem and the answer.
    """
    pieces = _pieces(summary)
    if _is_copy({piece for piece in pieces if len(piece) >= _PIECE_CHARS}, reasoning):
        return "copy_of_reasoning"
    if len(pieces) < 2 and len(set(_words(summary)) - set(_words(problem))) < _NEW_WORDS:
        return "no_explanation"
    return None


def _pieces(text: str) -> list[str]:
    """Lines and sentences, their words parted by single spaces. Plain replacements: this is most of a stage's work."""
    text = text.replace("\n", _END)
    if any(space in text for space in _RARE_SPACES):
        text = " ".join(text.replace(_END, f" {_END} ").split())
    for stop in filter(text.__contains__, _STOPS):
        text = text.replace(f"{stop} ", f"{stop}{_END}")
    for stop in filter(text.__contains__, _WIDE_STOPS):
        text = text.replace(stop, f"{stop}{_END}")
    pieces = [stripped for piece in text.split(_END) if (stripped := piece.strip(" "))]
    return [" ".join(piece.split()) if "  " in piece else piece for piece in pieces]


def _is_copy(pieces: set[str], reasoning: Reasoning) -> bool:
    """Whether enough of the pieces, by their characters, stand in the reasoning: the long ones decide soonest."""
    wanted = _COPIED_SHARE * sum(map(len, pieces))
    copied = 0
    left = sum(map(len, pieces))
    for piece in sorted(pieces, key=len, reverse=True):
        if copied + left < wanted:
            return False
        left -= len(piece)
        copied += len(piece) if piece in reasoning else 0
        if copied and copied >= wanted:
            return True
    return False


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
