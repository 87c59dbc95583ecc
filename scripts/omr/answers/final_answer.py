r"""The final answer of a model's text, and its canonical spelling.

`final_answer` is the last whole `\boxed{}` after the reasoning, or nothing; whether it is the only one is for
omr.answers.single_answer. `answer_of_text` is for text that was not asked to box its answer. All of it takes time
linear in the text, whatever the text.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from omr.answers.damage import may_hold_token, repaired_text
from omr.answers.placeholders import can_be_answer
from omr.answers.prose import answer_of_prose, joins
from omr.answers.reasoning import END_THINK, THINK, split_reasoning
from omr.answers.spelling import normalise_answer
from omr.files.patterns import lazy

__all__ = [
    "Box",
    "answer_of_text",
    "boxed_answers",
    "final_answer",
    "joined_boxes",
    "normalise_answer",
    "shown_part",
]

#: Only so many boxes at the end of a text are looked at.
_MOST_BOXES = 64


def shown_part(text: str) -> str:
    """What a text says behind its reasoning, mended: `split_reasoning(repaired_text(text))[1]`, in less time.

    Nearly all of a solution is reasoning, which is not mended here. Its damage ends with it, but for one kind: at a
    control token, the whole text ends.
    """
    end = text.rfind(END_THINK)
    if end > 0 and not may_hold_token(text, end):
        text = text[end:]
    return split_reasoning(repaired_text(text))[1]


def final_answer(text: str | None, reasoning: str | None = None, *, allow_in_reasoning: bool = False) -> str | None:
    r"""The content of the last whole `\boxed{}` that follows the reasoning; None where there is no such box.

    A box that holds no answer (`?`, `your answer`) is none; damage of the text is mended first.

    `reasoning` is what a server split off into a field of its own. A box inside the reasoning counts only with
    `allow_in_reasoning`, only if the reasoning ended and no box follows it.
    """
    text = repaired_text(text or "")
    within, rest = split_reasoning(text)
    answer = _last_answer(rest)
    if answer is not None:
        return answer
    if not allow_in_reasoning:
        return None
    if within is not None:
        ended = END_THINK in text and THINK not in text.rpartition(END_THINK)[2]
    else:
        within, ended = repaired_text(reasoning or ""), bool(rest.strip())
    return _last_answer(within) if ended else None


def _last_answer(text: str) -> str | None:
    boxes = boxed_answers(text, limit=_MOST_BOXES)
    return next((box.content for box in reversed(boxes) if can_be_answer(box.content)), None)


def answer_of_text(text: str) -> str:
    """The answer that a whole reply gives: its boxes, else what it calls the answer, else its last value.

    A text that is an answer itself comes back as it is. Boxes that only `and`, `or` or a comma part are one list.
    """
    rest = shown_part(text)
    return joined_boxes(rest) or answer_of_prose(rest)


def joined_boxes(text: str) -> str | None:
    """The last box with those before it that only `and`, `or` or a comma parts from it, as one list."""
    boxes = boxed_answers(text, limit=16)
    if not boxes:
        return None
    answer, start = boxes[-1].content, boxes[-1].start
    for box in reversed(boxes[:-1]):
        joint = joins(text[box.end : start])
        if joint is None:
            break
        answer, start = box.content + joint + answer, box.start
    return answer


class Box(NamedTuple):
    """The content of a box and where the box stands in its text."""

    content: str
    start: int
    end: int


#: Runs that hold neither a brace that counts nor a box; `\{`, `\}` and `\\` are passed as pairs, but `\\boxed`, which
#: is `\boxed` escaped once too often, is a box.
_NAMES = r"(?:boxed|fbox|framebox|bbox|fcolorbox)(?![A-Za-z])"
_IDLE = lazy(rf"(?:[^\\{{}}]++|\\(?=\\{_NAMES})|\\(?!{_NAMES})(?:[\s\S]|$))*+")
#: Before what they box, some take options: `\framebox[2cm][c]{5}`, `\bbox[5px]{5}`, `\fcolorbox{red}{white}{5}`.
_BOX = lazy(
    r"\\(?:(?:framebox|bbox)(?:\s{0,9}\[[^\[\]{}]{0,80}\]){0,2}|fcolorbox(?:\s{0,9}\{[^{}]{0,80}\}){0,2}|boxed|fbox)"
    r"(?![A-Za-z])\s{0,20}(\{)?"
)
_FIRST = lazy(rf"\\{_NAMES}")
_BLANK = lazy(r"\s*+")
#: What `\boxed 5` boxes: TeX takes one token, people mean the numeral, or the command with its arguments. No word:
#: texts speak of the `\boxed` notation.
_BARE = lazy(
    r"[-+]?(?:\d[\d.,/]{0,200}\d|\d|[A-Za-z](?![A-Za-z])"
    rf"|\\(?!{_NAMES})[A-Za-z]{{1,20}}(?:\{{[^{{}}]{{0,200}}\}}){{0,3}})"
)


def boxed_answers(text: str, *, limit: int) -> list[Box]:
    r"""The last `limit` boxes (`\boxed`, `\fbox`, `\framebox` and the like), in order; of nested ones the outer.

    Those count that are whole and not empty. A box without braces holds the number, letter or command that follows it.
    One whose brace never closes is no box, but whole boxes inside it are.
    """
    first = _FIRST.search(text)
    if first is None:
        return []
    spans = _box_spans(text, first.start(), limit)
    return [Box(text[content:end].strip(), start, end + closing) for start, content, end, closing in spans]


class _Span(NamedTuple):
    """Places in a text: of a box, of its content, of the content's end, and how many braces close it."""

    start: int
    content: int
    end: int
    closing: int


def _box_spans(text: str, place: int, limit: int) -> list[_Span]:
    found: deque[_Span] = deque(maxlen=limit)
    opened: list[tuple[int, int]] = []  # per open brace: where its box starts (-1: none), where its content starts
    while True:
        skipped = _IDLE.match(text, place)
        place = skipped.end() if skipped else place
        if place >= len(text):
            return list(found)
        if text[place] == "{":
            opened.append((-1, -1))
            place += 1
        elif text[place] == "}":
            start, content = opened.pop() if opened else (-1, -1)
            if start >= 0:
                _keep(found, text, _Span(start, content, place, 1))
            place += 1
        else:
            place = _open_box(text, place, opened, found)


def _open_box(text: str, place: int, opened: list[tuple[int, int]], found: deque[_Span]) -> int:
    """Note the box that starts at `place`; returns where to go on."""
    command = _BOX.match(text, place)
    assert command is not None, "a box starts here"
    if command[1]:
        opened.append((place, command.end()))
        return command.end()
    bare = _BARE.match(text, command.end())
    if bare is None:
        return command.end()
    _keep(found, text, _Span(place, bare.start(), bare.end(), 0))
    return bare.end()


def _keep(found: deque[_Span], text: str, span: _Span) -> None:
    """Keep a whole box, unless it is empty, in place of those inside it. Spans, not copies: boxes may nest a lot."""
    blank = _BLANK.match(text, span.content, span.end)
    if blank is not None and blank.end() == span.end:
        return
    while found and found[-1].start > span.start:
        found.pop()
    found.append(span)
