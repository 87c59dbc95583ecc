r"""The answer in a text without boxes: what the text calls its answer, else the last value in it.

A guess by nature, for replies that were not asked for a box; solutions are read by
`omr.answers.final_answer.final_answer` alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from omr.files.patterns import lazy

#: Answers stand at the end; nothing before these many characters is looked at.
_TAIL_CHARS = 8_000
_LONG_SEGMENT, _SHORT_ANSWER, _MOST_WORDS = 400, 80, 6
_MOST_CUES = 8

_CUE = lazy(
    r"\b(?:final answer|answers?|réponse|respuesta|resposta|risposta|antwort|ответ)\b|答案|答え|الإجابة|الجواب",
    re.IGNORECASE,
)
_COPULA = lazy(r"\b(?:is|are|be|equals|est|es|ist)\b|[:：是为]", re.IGNORECASE)
_EQUALS = lazy("=")
_SENTENCE = lazy(r"[A-Z][a-z]+ [a-z].*\.\s*", re.DOTALL)
_SENTENCE_END = lazy(r"[.!?](?=\s|$)|[。！？]|\n\s*\n|<\|")
_MATHS = lazy(
    r"\$\$(?P<display>[^$]{1,2000})\$\$|\$(?P<inline>(?:[^$\\]|\\[\s\S]){1,1000}+)\$"
    r"|\\\[(?P<bracket>(?:[^\\]|\\[^\]]){1,2000}+)\\\]|\\\((?P<paren>(?:[^\\]|\\[^)]){1,1000}+)\\\)"
)
_NUMBER = lazy(
    r"(?:(?<![\w.,)])[-−])?(?:\\[dt]?frac\{[^{}]{1,80}\}\{[^{}]{1,80}\}"
    r"|(?:\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:/\d+)?|(?<!\d)\.\d+)(?:\s?(?:\\?%|percent\b))?"
)
_LETTER = lazy(r"(?<![A-Za-z'’\\])[A-J](?![A-Za-z'’])")
_WORD = lazy(r"(?<![\\A-Za-z])[A-Za-z]{2,}(?:'[a-z]+)?")
_COMMAND = lazy(r"\\(?:begin|end)\{\w{1,20}\}|\\[A-Za-z]+")
#: Words of sentences; an answer by itself has none of them.
_PROSE = frozenset(
    str.split(
        "is are was were be we you he she it it's this that these those find found get gets have has had compute thus"
        " therefore hence so because since which when let then there must can will should would answer solution result"
        " started not how many what just about"
    )
)
_JOINT_NOISE = lazy(r"\\(?:text|mbox|quad|qquad|[,;!()\[\]])|[$\s{}~]+|\\")
_JOINT_NAME = lazy(r"[A-Za-z][\w^']{0,12}\s?=\s?$")


def answer_of_prose(text: str) -> str:
    """The answer in a text without boxes; the text itself, stripped, where it is an answer or no value is found."""
    text = text.strip()
    if _is_bare(text):
        return text
    tail = text[-_TAIL_CHARS:]
    for cue in list(_CUE.finditer(tail))[: -_MOST_CUES - 1 : -1]:
        answer = _after_cue(tail[cue.end() : cue.end() + _LONG_SEGMENT])
        if answer is not None:
            return answer
    values = _values(tail)
    if values:
        return _joined_back(tail, values)
    letters: list[str] = _LETTER.findall(tail)
    if not letters:
        return text
    return letters[0] if _LETTER.match(tail.lstrip("(*")) else letters[-1]


def joins(gap: str) -> str | None:
    """What to write between two answers with `gap` between them if they are parts of one list, else None."""
    if len(gap) > _SHORT_ANSWER or _SENTENCE_END.search(gap):
        return None
    plain = _JOINT_NOISE.sub(" ", gap).strip()
    words = _JOINT_NAME.sub("", plain).replace(",", " , ").split()
    if not words or words[-1].casefold() in (",", ";", "and"):
        return ", " if len(words) <= _MOST_WORDS else None
    return " or " if words[-1].casefold() == "or" and len(words) <= _MOST_WORDS else None


def first_value(text: str) -> str | None:
    """The first mathematics or number in the first sentence of a text, or None."""
    end = _SENTENCE_END.search(text)
    values = _values(text[: end.start()] if end else text)
    return values[0].answer if values else None


def last_value(text: str) -> str | None:
    """The last mathematics or number of a text's last sentence, or None."""
    start = max((end.end() for end in _SENTENCE_END.finditer(text)), default=0)
    values = _values(text[start:])
    return values[-1].answer if values else None


def _is_bare(text: str) -> bool:
    if len(text) > 4 * _SHORT_ANSWER:
        return False
    outside = _without_maths(text)
    if (
        _SENTENCE.fullmatch(text)
        or _CUE.search(outside)
        or _SENTENCE_END.search(outside.rstrip(". "))
        or (":" in outside and _WORD.search(outside))
    ):
        return False
    words = [word.casefold() for word in _WORD.findall(outside)]
    if _PROSE.intersection(words) or len(words) > _MOST_WORDS or _NOT_LATIN.search(outside):
        return False
    return bool(text)


_NOT_LATIN = lazy(r"[\u0400-\u1fff\u2e80-\uffff]{2}")


class _Found(NamedTuple):
    answer: str
    start: int
    end: int


def _after_cue(segment: str) -> str | None:
    """The answer in what follows the word `answer`: behind the last copula that a value follows."""
    end = _SENTENCE_END.search(segment)
    segment = segment[: end.start()] if end else segment
    for copula in (_COPULA, _EQUALS):
        pieces = [segment[found.end() :] for found in copula.finditer(_without_maths(segment))]
        for number, piece in reversed(list(enumerate(pieces))):
            answer = _leading(piece, words=number == 0)
            if answer is not None:
                return answer
    values = _values(segment)
    if values:
        return _joined_back(segment, values)
    letter = _LETTER.search(segment)
    return letter[0] if letter else None


def _without_maths(text: str) -> str:
    """The same text with mathematics blanked, at the same places."""
    return _MATHS.sub(lambda maths: " " * len(maths[0]) if _is_maths(maths) else str(maths[0]), text)


def _is_maths(maths: re.Match[str]) -> bool:
    """Whether it is mathematics between the two dollars, and no words between two prices."""
    content = str(maths[maths.lastgroup or 0]).strip()
    return bool(content) and len(_WORD.findall(_COMMAND.sub("", content))) < 2


def _leading(piece: str, *, words: bool) -> str | None:
    """The answer that a piece of a sentence starts with, the piece itself if it is nothing else.

    With `words`, one or two words without any value are an answer as well.
    """
    piece = piece.strip().strip("*\"'“”")
    values = _values(piece)
    if len(piece) <= _SHORT_ANSWER and piece.count("(") == piece.count(")") and _is_bare(piece):
        if values and len(values[0].answer) + 4 >= len(piece) and piece.startswith("$"):
            return values[0].answer
        spoken = [word for word in _WORD.findall(_without_maths(piece)) if word.casefold() not in ("and", "or")]
        if len(spoken) <= 2 and any(map(str.isalnum, piece)) and (values or words):
            return piece
    if not values or len(_WORD.findall(piece[: values[0].start])) > 2:
        return None
    answer, end = values[0].answer, values[0].end
    for value in values[1:]:
        joint = joins(piece[end : value.start])
        if joint is None:
            break
        answer, end = answer + joint + value.answer, value.end
    return answer


def _values(text: str) -> list[_Found]:
    """Mathematics and numbers in a text, in order."""
    found = [
        _Found(str(maths[maths.lastgroup or 0]).strip(), maths.start(), maths.end())
        for maths in _MATHS.finditer(text)
        if _is_maths(maths)
    ]
    covered = [(value.start, value.end) for value in found]
    found += [
        _Found(number[0].strip(), number.start(), number.end())
        for number in _NUMBER.finditer(text)
        if not any(start <= number.start() < end for start, end in covered)
    ]
    return sorted(found, key=lambda value: value.start)


def _joined_back(text: str, values: list[_Found]) -> str:
    """The last value, with those before it that only `and` or a comma parts from it."""
    answer, start = values[-1].answer, values[-1].start
    for value in reversed(values[:-1]):
        joint = joins(text[value.end : start])
        if joint is None or not joint.strip():
            break
        answer, start = value.answer + joint + answer, value.start
    return answer


_HEADING = lazy(r"[ \t*_#:$]*\n\s*")
_SUPPOSED = lazy(r"\b(?:if|whether|suppose|assume|unless|not)\b[^.!?\n]*$", re.IGNORECASE)
_IS_THE = lazy(
    r"\s(?:is|are|must be|should be|will be|would be|gives|as)"
    r"(?:\s(?:the|our|my|thus|then|therefore|hence|indeed|final|correct|right|required|desired|wanted|sought))*\s$",
    re.IGNORECASE,
)
_EQUALS_IT = lazy(r"[\s*_$]*(?:[A-Za-z]\s?)?=")
_NEAR = 40


def claimed_answers(text: str) -> Iterator[str]:
    """What a text says that its answer is, claim by claim: `so the answer is $5$`, `Answer: 5`, a heading and 5 below,
    `5 is the answer`.

    A claim may come twice, whole and without what follows its comma. What is only supposed is no claim, and neither is
    a value further on in the sentence.
    """
    for cue in _CUE.finditer(text):
        before = text[max(0, cue.start() - _SHORT_ANSWER) : cue.start()]
        if _SUPPOSED.search(before):
            continue
        yield from _claimed_before(before)
        after = text[cue.end() : cue.end() + _LONG_SEGMENT]
        end = _claim_starts(after)
        if end is None:
            continue
        said = after[end:].lstrip(" \t*_:\n")
        stop = _SENTENCE_END.search(said)
        said = (said[: stop.start()] if stop else said).partition("\n")[0].strip(" \t*_.")
        if not said.startswith("not "):
            claims = (_leading(part, words=True) for part in dict.fromkeys((said, said.partition(",")[0])) if part)
            yield from filter(None, claims)


def _claimed_before(before: str) -> Iterator[str]:
    """The value in `so 5 is the` (answer): what stands right before such words."""
    copula = _IS_THE.search(before)
    values = _values(before[: copula.start()]) if copula else []
    if copula and values and not before[values[-1].end : copula.start()].strip("$*_ )"):
        yield values[-1].answer


def _claim_starts(after: str) -> int | None:
    """Where in what follows the word `answer` the answer would stand, or None."""
    heading = _HEADING.match(after)
    if heading is not None:
        return heading.end()
    stop = _SENTENCE_END.search(after)
    near = _without_maths(after[: stop.start() if stop else None].partition("\n")[0][:_LONG_SEGMENT])[:_NEAR]
    copula = _EQUALS_IT.match(near) or _COPULA.search(near)
    return copula.end() if copula else None
