"""Reads the final answer out of a reply that ends with `Answer: ...` or `Answer not found.`

The answer may be bold, boxed, in dollars, or a formula over several lines; reasoning may come before it. Unreadable is
a reply without such a line, with two that differ, with prose after the answer, or with a word for "nothing" that could
be an answer as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from omr.answers.final_answer import boxed_answers
from omr.parsers.reply_text import LINE_HEAD, SPACE, after_thinking, plain, shown_lines, unix_lines, without_emphasis

#: An answer of more characters is a reply that ran away.
MAX_ANSWER_CHARACTERS = 1_000
UNREADABLE, TOO_LONG = "unreadable_answer", "too_long_answer"
#: What `parse_answer` found: (answer, None), (None, None) for "not found", or (None, reason to drop the row).
Reading = tuple[str | None, str | None]

_ANSWER = r"(?:the )?(?:final )?answer"
_COLON = rf"(?P<colon>(?:{SPACE}++is)?+{SPACE}*+[*_`]*+{SPACE}*+[:：])"
_LINE = re.compile(rf"{LINE_HEAD}(?:{_ANSWER}{_COLON}|(?:no )?{_ANSWER}(?![a-z]))", re.IGNORECASE)
#: The last line may begin with the reasoning: `Post 2 confirms it. Answer: 5`.
_IN_SENTENCE = re.compile(rf"[.!?;]{SPACE}++(?P<head>[*_`]*+){_ANSWER}{_COLON}", re.IGNORECASE)
_PHRASE = rf"(?:{_ANSWER}(?: was| is)? not found|no (?:final )?answer(?: was)? found)"
_NOT_FOUND = re.compile(rf"(?:.*[.!?;] )?{_PHRASE}")
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
_MONEY = re.compile(r"\$ ?[0-9][0-9.,]*")
_DIGIT = re.compile("[0-9]")
_IN_FORMULA = re.compile(r"[{}$\\]")


def parse_answer(text: str) -> Reading:
    """The answer of a reply. Reasons: `unreadable_answer`, `too_long_answer`."""
    spoken = after_thinking(text)
    if spoken is None:
        return None, UNREADABLE
    spoken = "\n" + unix_lines(spoken)
    readings = set(_line_readings(spoken)) or {_last_sentence(spoken)}
    # An answer and its repetition are one; anything else that is said twice contradicts itself.
    return readings.pop() if len(readings) == 1 else (None, UNREADABLE)


def _line_readings(spoken: str) -> Iterator[Reading]:
    """What the lines that begin like an answer say; those that merely speak of an answer say nothing."""
    lines = [match for match in _LINE.finditer(spoken) if match["colon"] or _is_not_found(_line_of(match))]
    for match in lines:
        is_last = match is lines[-1]
        if match["colon"]:
            text = spoken[match.end() :] if is_last else _line_of(match)[match.end() - match.start() - 1 :]
            yield _reading(without_emphasis(match["head"], match["colon"], text))
        else:
            is_whole = not is_last or len(shown_lines(spoken[match.start() :])) == 1
            yield (None, None) if is_whole else (None, UNREADABLE)


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
    if "\n" in text:
        lines = shown_lines(text)
        if any(not _is_open(" ".join(lines[:count])) for count in range(1, len(lines))):
            return None, UNREADABLE  # the answer ended before the last line: the rest is prose
        text = " ".join(map(str.strip, lines))
    value = _bare(text)
    if _DIGIT.search(value) is None:
        word = plain(value)
        if word == "not found" or _NOT_FOUND.fullmatch(word):
            return None, None
        if word in _NO_VALUE or not value.strip("-–—_.?… "):
            return None, UNREADABLE
    if _is_open(value) and not _MONEY.fullmatch(value):
        return None, UNREADABLE
    return value, None


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
