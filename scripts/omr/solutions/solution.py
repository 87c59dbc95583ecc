"""A stored solution reply in one form, however its server delivered it: reasoning, and the solution that follows it."""

from __future__ import annotations

import re
from typing import NamedTuple

from omr.answers.final_answer import boxed_answers, final_answer, split_reasoning
from omr.answers.spelling import MAX_ANSWER_CHARS
from omr.replies.reply import Reply
from omr.solutions.transcripts import last_words, split, transcript_of

_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")


class Solution(NamedTuple):
    """`reasoning` is "" where the model gave none; `text` is what a reader sees. Neither has white space around it."""

    reasoning: str
    text: str


def read_solution(reply: Reply) -> Solution:
    """Reasoning and solution of a reply: from `<think>...</think>` in its text, or from its field `reasoning`."""
    if reply.get("steps"):
        reasoning, solution = split(transcript_of(reply))
        return Solution(reasoning.text, solution.text)
    within, text = split_reasoning(reply["text"] or "")
    parts = [part.strip() for part in (reply["reasoning"], within) if part]
    return Solution("\n\n".join(part for part in parts if part), text.strip())


def is_finished(reply: Reply) -> bool:
    """Whether the model ended by itself: no failed request, not cut at the token limit, not in code that never ran."""
    return reply["error"] is None and reply["finish_reason"] == "stop" and reply.get("ended") in (None, "stop")


def predicted_answer(reply: Reply) -> str | None:
    """The final answer of a finished solution, see `boxed_answer`; None if it has none.

    A cut solution has none either: what its last box would have been, nobody knows.
    """
    return boxed_answer(said_last(reply)) if is_finished(reply) else None


def said_last(reply: Reply) -> str | None:
    """The text of a reply in which its final answer stands; of one that ran code, what is said after all of it."""
    return last_words(transcript_of(reply)) if reply.get("steps") else reply["text"]


def boxed_answer(text: str | None) -> str | None:
    r"""What the last whole `\boxed{}` after the reasoning holds, on one line; None without one, or if it is endless.

    On one line, since a judge is shown answers under labels: a line of an answer must not pass for another label.
    """
    answer = final_answer(text)
    return " ".join(answer.split()) if answer is not None and len(answer) <= MAX_ANSWER_CHARS else None


def boxed_step(reasoning: str) -> tuple[str, str | None]:
    r"""(the reasoning up to the end of the paragraph with its last box, what is in that box).

    Without a box it is the whole reasoning, and None. Paragraphs end at blank lines.
    """
    boxes = boxed_answers(reasoning, limit=1)
    if not boxes:
        return reasoning, None
    paragraph_end = _BLANK_LINE.search(reasoning, boxes[-1].end)
    return reasoning[: paragraph_end.start() if paragraph_end else None].rstrip(), boxes[-1].content
