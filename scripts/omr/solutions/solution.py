"""A stored solution reply in one form, however its server delivered it: reasoning, and the solution that follows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from omr.answers.damage import repaired_text
from omr.answers.faults import NO_ANSWER
from omr.answers.final_answer import boxed_answers
from omr.answers.placeholders import can_be_answer
from omr.answers.reasoning import split_reasoning
from omr.answers.single_answer import Same, SingleAnswer, same_spelling, single_answer, single_answer_shown
from omr.answers.spelling import MAX_ANSWER_CHARS
from omr.errors import UserError
from omr.files.jsonl import Row
from omr.files.patterns import lazy
from omr.replies.reply import Name, Reply, ReplyIndex
from omr.solutions.shown_code import shows_output
from omr.solutions.transcripts import last_words, split, transcript_of

#: At the end of a reasoning; placeholders may stand among them.
_BOXES_LOOKED_AT = 16
_BLANK_LINE = lazy(r"\n[ \t\r]*\n")


class Solution(NamedTuple):
    """`reasoning` is "" where the model gave none; `text` is what a reader sees. Neither has white space around it."""

    reasoning: str
    text: str


def stored_solutions(solutions: ReplyIndex, judged: Iterable[Row], prompt_name: str) -> Iterator[tuple[Row, Reply]]:
    """Judged rows with the replies that they are about, read ahead. Raises UserError for one that is not there."""
    for row, [reply] in solutions.ahead(judged, lambda row: [Name(row["id"], prompt_name, row["seed"])]):
        if reply is None:
            raise UserError(
                f"there is no solution of problem {row['id']!r} with seed {row['seed']}, though one was judged",
                remedy="the judged rows and the solutions belong to different runs: delete the judged rows and run"
                " again",
            )
        yield row, reply


def read_solution(reply: Reply) -> Solution:
    """Reasoning and solution of a reply: from `<think>...</think>` in its text, or from its field `reasoning`.

    Both are mended, see omr/answers/damage.py, but for those of a reply with code, whose output is what it is.
    """
    if reply.get("steps"):
        reasoning, solution = split(transcript_of(reply))
        return Solution(reasoning.text, solution.text)
    within, text = split_reasoning(repaired_text(reply["text"] or ""))
    parts = [part.strip() for part in (repaired_text(reply["reasoning"] or ""), within) if part]
    return Solution("\n\n".join(part for part in parts if part), text.strip())


def is_finished(reply: Reply) -> bool:
    """Whether the model ended by itself: no failed request, not cut at the token limit, not in code that never ran."""
    return reply["error"] is None and reply["finish_reason"] == "stop" and reply.get("ended") in (None, "stop")


def invents_output(reply: Reply) -> bool:
    """Whether a solution that ran no code shows what code is said to have printed: nobody ran it."""
    if reply.get("steps"):
        return False
    return any(shows_output(text) for text in (reply["text"], reply["reasoning"]) if text)


def predicted_answer(reply: Reply) -> str | None:
    """The final answer of a solution, see `answer_of`; None if it has none."""
    return answer_of(reply).answer


def answer_of(reply: Reply, same: Same = same_spelling) -> SingleAnswer:
    """The final answer of a finished solution, see `answer_in`; that of others is `no_answer`.

    A cut solution has none either: what its last box would have been, nobody knows.
    """
    return answer_in(said_last(reply), same) if is_finished(reply) else SingleAnswer(None, NO_ANSWER)


def said_last(reply: Reply) -> str | None:
    """The text of a reply in which its final answer stands; of one that ran code, what is said after all of it."""
    return last_words(transcript_of(reply)) if reply.get("steps") else reply["text"]


def boxed_answer(text: str | None) -> str | None:
    """The one answer that a text boxes, see `answer_in`; None if there is none."""
    return answer_in(text).answer


def answer_in(text: str | None, same: Same = same_spelling) -> SingleAnswer:
    r"""What the text holds in its `\boxed{}` after the reasoning, on one line, if that is one answer and not endless.

    On one line, since a judge is shown answers under labels: a line of an answer must not pass for another label.
    """
    return _on_one_line(single_answer(text, same))


def answer_shown(text: str) -> SingleAnswer:
    """As `answer_in`, of what a mended text says behind its reasoning."""
    return _on_one_line(single_answer_shown(text))


def _on_one_line(found: SingleAnswer) -> SingleAnswer:
    if found.answer is None:
        return found
    if len(found.answer) > MAX_ANSWER_CHARS:
        return SingleAnswer(None, NO_ANSWER)
    return SingleAnswer(" ".join(found.answer.split()), None)


def boxed_step(reasoning: str) -> tuple[str, str | None]:
    r"""(the reasoning up to the end of the paragraph with its last box, what is in that box).

    Without a box it is the whole reasoning, and None; a box with a placeholder is none. Paragraphs end at blank lines.
    """
    boxes = [box for box in boxed_answers(reasoning, limit=_BOXES_LOOKED_AT) if can_be_answer(box.content)]
    if not boxes:
        return reasoning, None
    paragraph_end = _BLANK_LINE.search(reasoning, boxes[-1].end)
    return reasoning[: paragraph_end.start() if paragraph_end else None].rstrip(), boxes[-1].content
