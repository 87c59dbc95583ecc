r"""Whether a text gives one final answer: its boxes are one answer, and nothing behind the last of them takes it back.

A solution that hedges (`it is \boxed{4} or \boxed{5}`) or retracts (`\boxed{5}. Wait, that is wrong; it is 6`) has no
single answer, whatever its last box holds. What is not certain counts as several answers: there are more solutions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from omr.answers.faults import NO_ANSWER, SEVERAL_ANSWERS
from omr.answers.final_answer import Box, boxed_answers, shown_part
from omr.answers.placeholders import can_be_answer
from omr.answers.prose import first_value, joins, last_value
from omr.answers.spelling import normalise_answer
from omr.files.patterns import lazy

#: Whether two answers of one text are the same.
Same = Callable[[str, str], bool]

_MOST_BOXES = 64
#: As much of a text behind its last box is read, and as much before a box for an alternative to it.
_TAIL_CHARS, _NEAR_CHARS = 8_000, 60
_NAMED = lazy(r"^\$?\s*[A-Za-z](?:_\w|_\{\w{1,9}\})?\s*=(?!=)")
_NAME_BEFORE_BOX = lazy(r"=\s*+(?:\$\s*+)?$")
_OR = lazy(r"[\s$*.)\]\\]*+[,;]?\s*+\(?\b(?:or|oder|ou|или)\b|[\s$*]*+[，,]?或", re.IGNORECASE)
_OR_BEFORE = lazy(r"(?:\b(?:or|oder|ou|или)\b|或)[\s$*([\\]*(?:[A-Za-z]\s*=\s*)?$", re.IGNORECASE)

#: What a text says when it goes back on what it said. Words of one kind per line: doubt that interrupts, judgement on
#: what was said, a new attempt, a correction; then the same in other languages.
_TAKES_BACK = lazy(
    r"\b(?:wait|hmm+|hold on|hang on|oops|whoops|sorry|apolog\w+|my bad|scratch that|strike that|nope"
    r"|on second thoughts?"
    r"|(?<!no )(?<!nothing )(?<!not )(?:mistak\w+|wrong\w*|incorrect\w*|erroneous\w*|errors?|untrue)"
    r"|(?:not|n't|never|cannot be|can't be)(?: \w+)? (?:right|correct|true|valid|the answer)"
    r"|re-?(?:do|check|compute|calculat|consider|think|examin|work|evaluat)\w*"
    r"(?= (?:this|that|it|the|my|our|everything))"
    r"|forgot\w*|overlooked|missed|slip(?:ped)?|take (?:that|it|this) back|not (?:quite|sure|certain)"
    r"|on reflection|unless"
    r"|i (?:now )?reali[sz]e|i should have"
    r"|actually|in fact|correction|erratum|edit:|update:|revis(?:ed|ing)|disregard|ignore (?:the|that|this|my)|instead"
    r"|(?:another|a different|the other) (?:answer|possibility|solution)|alternatively|might also|could also|may also"
    r"|espera|perdón|corrección|equivoc\w+|attendez|erreur|correction|warte|falsch|fehler|korrektur|stimmt nicht)\b"
    r"|подожди|неверно|неправильно|ошиб|等等|等一下|不对|不對|错|錯|更正|待って|間違",
    re.IGNORECASE,
)
#: Words behind which another value is another answer.
_STATES = lazy(
    r"\b(?:it|answer|(?:correct|right|true|actual|proper|real|final)\s(?:\w+\s){0,2}?(?:one|value|result|number|solution))"
    r"(?:'s|\s(?:is|are|was|equals|becomes|(?:should|must|could|might|may|would|will|can)\s(?:also\s)?be))?"
    r"\s{0,3}[:=]?\s{0,3}(?:\*\*)?(?=[-−$\\\d(])",
    re.IGNORECASE,
)


#: A text that ends like this ends with a value that it states.
_ENDS_WITH_VALUE = lazy(
    r"(?:\b(?:is|are|be|was|equals|gives?|giving|gets?|yields?|becomes?|maybe|perhaps|case|so|then)\b|[:：])"
    r"[\s*,]{0,5}(?P<value>\$[^$]{1,80}\$|\\\((?:(?!\\\)).){1,80}\\\)|[-−]?\d[\d.,/]{0,30})"
    r"(?:\s(?:is|are|it is|seems) (?:right|correct|it|true))?[\s.!*]*$",
    re.IGNORECASE,
)
_LIST_WORDS = frozenset({"and", "or", "also", "und", "oder", "et", "ou", "y", "o"})


class SingleAnswer(NamedTuple):
    """The one answer of a text, or None and why: `no_answer`, `several_answers`."""

    answer: str | None
    fault: str | None


def same_spelling(one: str, other: str) -> bool:
    """Whether two answers are typed differently at most; `x = 5` and `5` in one text are the same."""
    return normalise_answer(one) == normalise_answer(other) or normalise_answer(
        _NAMED.sub("", one)
    ) == normalise_answer(_NAMED.sub("", other))


def single_answer(text: str | None, same: Same = same_spelling) -> SingleAnswer:
    """The answer that a text gives behind its reasoning if it gives only one, see `single_answer_shown`."""
    return single_answer_shown(shown_part(text or ""), same)


def single_answer_shown(text: str, same: Same = same_spelling) -> SingleAnswer:
    """The answer of a text, mended and without reasoning, if it gives only one.

    Boxes that only `and` or a comma parts are one list; so are those with `or` between them where each is the value of
    a name (`x = ... or x = ...`). All other boxes must hold the same answer, by `same`.
    """
    boxes = [box for box in boxed_answers(text, limit=_MOST_BOXES) if can_be_answer(box.content)]
    if not boxes:
        return SingleAnswer(None, NO_ANSWER)
    *earlier, last = _lists(text, boxes)

    def is_same(answer: str) -> bool:
        return same_spelling(answer, last.content) or same(answer, last.content)

    others = dict.fromkeys(found.content for found in earlier)
    if (
        all(map(is_same, others))
        and all(map(is_same, _other_answers(text, last)))
        and not _taken_back(text[last.end :])
    ):
        return SingleAnswer(last.content, None)
    return SingleAnswer(None, SEVERAL_ANSWERS)


def _lists(text: str, boxes: Sequence[Box]) -> list[Box]:
    """The boxes, those that the text joins as one."""
    found = [boxes[0]]
    for box in boxes[1:]:
        before = found[-1]
        gap = text[before.end : box.start]
        joint = joins(gap) if _is_short(gap) else None
        if joint == " or " and not (_NAME_BEFORE_BOX.search(gap) or "=" in box.content):
            joint = None
        if joint is None:
            found.append(box)
        else:
            found[-1] = Box(before.content + joint + box.content, before.start, box.end)
    return found


def _is_short(gap: str) -> bool:
    """Whether no more than a unit stands beside `and` between two boxes: `if`, `for` and `but` part them."""
    words = re.findall(r"(?<![\\A-Za-z])[^\W\d_]{2,}", gap)
    return len([word for word in words if word.casefold() not in _LIST_WORDS]) < 2


def _other_answers(text: str, box: Box) -> Iterator[str]:
    """What the text offers beside a box, or states behind it, as an answer."""
    before, after = text[max(box.start - _NEAR_CHARS, 0) : box.start], text[box.end : box.end + _TAIL_CHARS]
    choice = _OR_BEFORE.search(before)
    if choice and (value := last_value(before[: choice.start()])) is not None:
        yield value
    choice = _OR.match(after)
    if choice and (value := first_value(after[choice.end() : choice.end() + _NEAR_CHARS])) is not None:
        yield value
    for stated in _STATES.finditer(after):
        if (value := first_value(after[stated.end() : stated.end() + _NEAR_CHARS])) is not None:
            yield value

    ending = _ENDS_WITH_VALUE.search(after[-2 * _NEAR_CHARS :])
    if ending and (value := first_value(ending["value"])) is not None:
        yield value


def _taken_back(tail: str) -> bool:
    # A box may be repeated or checked behind it; these words go on from it.
    return _TAKES_BACK.search(tail[:_TAIL_CHARS]) is not None
