"""Reads the final answer out of a reply that ends with `Answer: ...` or `Answer not found.`

The answer may be bold, boxed, in dollars, a formula over several lines, in a sentence (`The final answer is $5$.`) or
in JSON; reasoning may come before it, and prose that says where it comes from behind it. Unreadable is a reply without
such a line, with two that differ, with prose that takes the answer back or states another value, or with a word for
"nothing" that could be an answer as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from omr.answers.final_answer import boxed_answers
from omr.files.patterns import lazy
from omr.parsers.further_values import states_more
from omr.parsers.reply_text import (
    LINE_HEAD,
    SPACE,
    after_thinking,
    json_value,
    plain,
    shown_lines,
    unix_lines,
    without_emphasis,
)

#: An answer of more characters is a reply that ran away.
MAX_ANSWER_CHARACTERS = 1_000
UNREADABLE, TOO_LONG = "unreadable_answer", "too_long_answer"
#: What `parse_answer` found: (answer, None), (None, None) for "not found", or (None, reason to drop the row).
Reading = tuple[str | None, str | None]

_ANSWER = r"(?:the )?(?:final )?answer"
_COLON = rf"(?P<colon>(?:{SPACE}++is)?+{SPACE}*+[*_`]*+{SPACE}*+[:：])"
_LINE = lazy(rf"{LINE_HEAD}(?:{_ANSWER}{_COLON}|(?:no )?{_ANSWER}(?![a-z]))", re.IGNORECASE)
#: A sentence whose object is a number or a formula: `The final answer is \\boxed{5}.`
_IS = lazy(
    rf"(?:\n[>#*_`+•–-]*+|[.!?;:,]){SPACE}*+(?:(?:so|thus|hence|therefore|and),? )?(?P<head>[*_`]*+)(?:the|its) "
    rf"(?:(?:final|correct|right) )?answer(?: to (?:the|this) problem)?[*_`]*+ (?P<colon>is)"
    rf"(?: therefore| thus)?[*_`]*+{SPACE}++"
    r"(?=[*_`\"]*+(?:[$\\(\[{+−-]|[0-9]|[a-zA-Z](?![a-zA-Z])(?! [a-zA-Z]{2})))",
    re.IGNORECASE,
)
#: The last line may begin with the reasoning: `Post 2 confirms it. Answer: 5`.
_IN_SENTENCE = lazy(rf"[.!?;]{SPACE}++(?P<head>[*_`]*+){_ANSWER}{_COLON}", re.IGNORECASE)
_WHERE = r"(?: (?:in|by|from) (?:the|this) (?:discussion|thread|posts?|forum))?"
_FOUND = rf"found{_WHERE}"
_PHRASE = rf"(?:{_ANSWER}(?: was| is| could)? not (?:be )?{_FOUND}|no (?:final )?answer(?: was| is)? {_FOUND})"
#: A sentence in place of the answer that says that there is none: a word of negation, and one for where answers are.
_NEGATION = lazy(r"\b(?:no|not|none|never|nobody|neither|without|cannot|lacks?)\b|n['’]t\b")
_ABOUT = lazy(r"\b(?:answers?|discussions?|posts?|posters?|threads?|forum)\b")
_LETTERS = lazy(r"[^\W\d_]{2,}")
#: Prose that begins behind an answer: in its line, and as a line of its own. Conditions (`given $x > 0$`, `in case $n$
#: is even`, `in base 7`) belong to the answer.
_SOURCE = r"(?:as|since|because|which|according|see|by|from|given (?:in|by|as))"
_IN_POSTS = r"in\b(?=[^()]*\b(?:discussion|thread|post|forum))"
_SENTENCE_AFTER = lazy(
    rf"(?:[.;!]{SPACE}++(?=[A-Z][a-z]*+[ ,'])|,{SPACE}++(?={_SOURCE}\b)"
    rf"|(?<!{SPACE}){SPACE}++(?:[–—-]{{1,2}}{SPACE}++(?=[a-zA-Z]{{2,}} )|(?=\((?:{_SOURCE}\b|{_IN_POSTS}|[Pp]osts?\b))"
    r"|(?=(?:because|since|as (?:is |was )?(?:shown|given|stated|said|found|post)|according to)\b)))"
)
_PROSE = lazy(r"\W{0,3}[A-Z][a-z'’]*+(?:[*_]*:[*_]* \S|,?(?: \S+){2,})")
_TAKES_BACK = lazy(
    r"(?:^|[.;!?,] ?)\W{0,3}(?:but|however|though|although|wait|actually|unless|otherwise|yet|or|alternatively"
    r"|(?:on second|no,? wait))\b|,? though\b|\bwrong\b|\bincorrect\b|\binstead\b|\bnot (?:sure|certain|confirmed)\b",
    re.IGNORECASE,
)
_NOT_FOUND = lazy(rf"(?:.*[.!?;] )?{_PHRASE}")
_PHRASE_CHARACTERS = 120
_NO_VALUE = frozenset({
    "", "none", "n/a", "na", "null", "unknown", "nothing", "no answer", "not available", "not given", "not provided",
    "not stated", "unclear", "undetermined", "the final answer", "final answer",
})  # fmt: skip
#: What may stand around an answer, by its first character.
_PAIRS = {
    "*": [("**", "**"), ("*", "*")],
    "_": [("__", "__")],
    "`": [("`", "`")],
    "$": [("$$", "$$"), ("$", "$")],
    '"': [('"', '"')],
    "“": [("“", "”")],
    "\\": [("\\(", "\\)"), ("\\[", "\\]")],
}
_MAX_PAIRS = 8
_MAX_BOXES = 64
_MONEY = lazy(r"\$ ?[0-9][0-9.,]*")
_AGAIN = lazy(rf"\A\s*{_ANSWER} is[ :]++(?=\S)", re.IGNORECASE)
_DOTS = lazy(r"\\(?:[lc]?dots|[vd]dots|dotsc)(?![a-z])")
#: Formulas in dollars, and commands outside of them.
_FORMULAS = lazy(r"\$[^$]*+\$|\\[a-zA-Z]+(?:\{[^{}]*\})?")
_KEY = lazy(r"(?:the )?(?:final[ _-]?)?answer", re.IGNORECASE)
_DIGIT = lazy("[0-9]")
_IN_FORMULA = lazy(r"[{}$\\]")


def parse_answer(text: str) -> Reading:
    """The answer of a reply. Reasons: `unreadable_answer`, `too_long_answer`."""
    spoken = after_thinking(text)
    if spoken is None:
        return None, UNREADABLE
    value = json_value(spoken)
    spoken = "\n" + unix_lines(spoken if value is None else _json_answer(value))
    readings = set(_line_readings(spoken)) or set(_sentence_readings(spoken)) or {_last_sentence(spoken)}
    # An answer and its repetition are one; anything else that is said twice contradicts itself.
    return readings.pop() if len(readings) == 1 else (None, UNREADABLE)


def _json_answer(value: Any) -> str:
    """The answer line that an object with an answer stands for."""
    answers = [text for key, text in value.items() if _KEY.fullmatch(key)] if isinstance(value, dict) else []
    if len(answers) != 1 or isinstance(answers[0], (dict, list)):
        return ""
    if isinstance(answers[0], float) and not isfinite(answers[0]):  # `NaN`, or a number without end
        return ""
    return "Answer not found." if answers[0] is None else f"Answer: {answers[0]}"


def _line_readings(spoken: str) -> Iterator[Reading]:
    """What the lines that begin like an answer say; those that merely speak of an answer say nothing."""
    lines = [match for match in _LINE.finditer(spoken) if match["colon"] or _is_not_found(_line_of(match))]
    for match in lines:
        is_last = match is lines[-1]
        if match["colon"]:
            text = spoken[match.end() :] if is_last else _line_of(match)[match.end() - match.start() - 1 :]
            yield _reading(without_emphasis(match["head"], match["colon"], text))
        else:
            rest = shown_lines(spoken[match.start() :])[1:] if is_last else []
            yield (None, UNREADABLE) if any(map(_contradicts, rest)) else (None, None)


def _contradicts(line: str) -> bool:
    """Whether a line behind `Answer not found.` may say otherwise."""
    return _TAKES_BACK.search(line) is not None or _PROSE.match(line) is None or _DIGIT.search(line) is not None


def _sentence_readings(spoken: str) -> Iterator[Reading]:
    """What the sentences say in which the answer is a number or a formula."""
    for match in _IS.finditer(spoken):
        text = spoken[match.end() :]
        yield _reading(without_emphasis(match["head"], "", text))


def _line_of(match: re.Match[str]) -> str:
    start = match.start() + 1
    end = match.string.find("\n", start)
    return match.string[start:] if end < 0 else match.string[start:end]


def _last_sentence(spoken: str) -> Reading:
    lines = shown_lines(spoken)
    if not lines:
        return None, UNREADABLE
    matches = list(_IN_SENTENCE.finditer(lines[-1]))
    if matches:
        match = matches[0]
        reading = _reading(without_emphasis(match["head"], match["colon"], lines[-1][match.end() :]))
        return reading if len(matches) == 1 else (None, UNREADABLE)
    return (None, None) if _is_not_found(lines[-1]) else (None, UNREADABLE)


def _is_not_found(line: str) -> bool:
    return _NOT_FOUND.fullmatch(plain(line[-_PHRASE_CHARACTERS:])) is not None


def _reading(text: str) -> Reading:
    """What the text after `Answer:` says, up to the end of the reply."""
    text = text.strip()
    if len(text) > MAX_ANSWER_CHARACTERS:
        return None, TOO_LONG
    answer, prose = _split_prose(text)
    if prose is None or _TAKES_BACK.search(prose) is not None or states_more(prose, answer):
        return None, UNREADABLE
    value = _bare(_AGAIN.sub("", answer))
    if _says_none(value):
        return None, None
    if _DIGIT.search(value) is None:
        word = plain(value)
        if word == "not found" or _NOT_FOUND.fullmatch(word):
            return None, None
        if word in _NO_VALUE or not _DOTS.sub("", value).strip("-–—_.?… "):
            return None, UNREADABLE
    if _is_open(value) and not _MONEY.fullmatch(value):
        return None, UNREADABLE
    return value, None


def _split_prose(text: str) -> tuple[str, str | None]:
    """An answer and the prose behind it; None instead of the prose if it is not clear where the answer ends."""
    lines = [line.strip() for line in shown_lines(text)] or [""]
    count = 1
    while count < len(lines) and _is_open(" ".join(lines[:count])):
        count += 1
    answer, rest = " ".join(lines[:count]), lines[count:]
    if rest and not all(map(_PROSE.match, rest)):
        return answer, None
    in_line = ""
    for match in _SENTENCE_AFTER.finditer(answer):
        before = answer[: match.start()]
        if not _is_open(before) and _is_value(before):
            answer, in_line = before, answer[match.end() :]
            break
    return answer, " ".join([in_line, *rest]).strip()


def _is_value(text: str) -> bool:
    """Whether a text is a number or a formula and no prose."""
    return (_DIGIT.search(text) or _IN_FORMULA.search(text)) is not None and len(_words_of(text)) <= 2


def _words_of(text: str) -> list[str]:
    return _LETTERS.findall(_FORMULAS.sub(" ", text))


def _says_none(value: str) -> bool:
    """Whether a sentence in the place of an answer says that there is none."""
    words = value.casefold()
    if "$" in words or "\\" in words or len(_words_of(words)) < 2:
        return False
    return _NEGATION.search(words) is not None and _ABOUT.search(words) is not None


def _is_open(text: str) -> bool:
    """Whether a formula that begins in `text` goes on after it."""
    if _IN_FORMULA.search(text) is None:
        return False
    text = text.replace("\\\\", " ").replace("\\$", "").replace("\\{", "").replace("\\}", "")
    doubles = text.count("$$")
    pairs = (("{", "}"), ("\\[", "\\]"), ("\\(", "\\)"), ("\\begin", "\\end"))
    is_unpaired = any(text.count(opening) != text.count(closing) for opening, closing in pairs)
    return is_unpaired or doubles % 2 == 1 or (text.count("$") - 2 * doubles) % 2 == 1


def _bare(value: str) -> str:
    """An answer without emphasis, dollars, boxes, quotes and a full stop around it."""
    if "box" in value:
        value = _unboxed(value)
    for _ in range(_MAX_PAIRS):
        value = value.strip()
        if value.endswith((".", "。")) and not value.endswith(("..", "\\right.")):
            value = value[:-1].rstrip()
        for opening, closing in _PAIRS.get(value[:1], ()):
            inner = value[len(opening) : -len(closing)]
            if value == opening + inner + closing and inner and opening not in inner:
                value = inner
                break
        else:
            return value
    return value


def _unboxed(value: str) -> str:
    """The answer with what its boxes hold in their place."""
    while boxes := boxed_answers(value, limit=_MAX_BOXES):
        for box in reversed(boxes):
            value = value[: box.start] + box.content + value[box.end :]
    return value
