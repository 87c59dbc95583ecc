"""Candidate summaries of a reasoning trace, read from their replies."""

from __future__ import annotations

from typing import NamedTuple

from omr.answers.final_answer import split_reasoning
from omr.replies.reply import ReplyIndex, usable_text
from omr.solutions.solution import answer_in

#: The prompt that asks for summaries; its name is part of a reply's identity.
PROMPT_NAME = "summarize_solution"
#: Fields of a trace that are no part of its judged row.
OF_TRACE = frozenset({"problem_id", "problem", "solution", "code"})


class Candidate(NamedTuple):
    """One summary: its number, what a reader sees of it, its boxed answer; without an answer, `fault` says why.

    Faults: `no_answer`, `several_answers`, and those of `omr.replies.reply.usable_text`.
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

    def of(self, trace_id: str) -> list[Candidate]:
        """All candidates of a trace, by number."""
        return [self._read(trace_id, number) for number in range(self._count)]

    def _read(self, trace_id: str, number: int) -> Candidate:
        text, fault = usable_text(self._replies.get(trace_id, PROMPT_NAME, number))
        if text is None:
            return Candidate(number, "", None, fault)
        answer, fault = answer_in(text)
        if answer is None:
            return Candidate(number, "", None, fault)
        # A summarizing model may think aloud first; its reader does not see that.
        return Candidate(number, split_reasoning(text)[1].strip(), answer, None)
