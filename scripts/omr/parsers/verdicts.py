"""Verdicts of a model that was asked to decide: True or False, an index, or None where the reply cannot be read.

A verdict stands on a line of its own, in any case and decoration. Reasoning may come before it; a reply without a
verdict, or with two different ones, is unreadable. None is never a default: callers count it and pass nothing on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeVar

from omr.parsers.reply_text import after_thinking, plain, shown_lines

_Verdict = TypeVar("_Verdict")

#: Longer lines are prose, which may end with a verdict: this much of the end is looked at.
_LINE_CHARACTERS = 120
_PROSE = "… "

_LABEL = re.compile(
    r"(?:the )?(?:final )?(?:label|answer|reply|verdict|output|result|class|classification|conclusion)(?: is)? ?[:=] ?"
)
_JUDGEMENT_HEAD = r"(?:the )?(?:final )?judge?ment ?[:=] ?"
_BARE_JUDGEMENT_HEAD = re.compile(r"(?:the )?(?:final )?judge?ment ?[:=]?")
_JUDGEMENT = re.compile(rf"(?:^|[.!?;:] ){_JUDGEMENT_HEAD}([a-z]+)$")
_SELECTION = re.compile(rf"(?:^|[.!?;:] ){_JUDGEMENT_HEAD}(?:(?:solution|candidate|index|number) )?#? ?([0-9]{{1,4}})$")
_TRUE_FALSE = {"true": True, "false": False}
_YES_NO = {"yes": True, "no": False}


def parse_class(text: str, label: str) -> bool | None:
    """True for the verdict `<label>`, False for `not <label>` (labels: proof, mcq, binary, invalid).

    `Proof.` is a heading as well, under which a model may give one instead of deciding: that bare word is a verdict
    on the last line only.
    """
    return _parse_word(text, _words_of(label), heading=label == "proof")


@cache
def _words_of(label: str) -> Mapping[str, bool]:
    names = (label, f"a {label}", f"an {label}", f"{label} problem", f"a {label} problem", f"an {label} problem")
    words = dict.fromkeys(names, True) | {f"not {name}": False for name in names}
    return words | {f"not-{label}": False, f"non-{label}": False}


def parse_true_false(text: str) -> bool | None:
    """The verdict `True` or `False`."""
    return _parse_word(text, _TRUE_FALSE)


def _parse_word(text: str, words: Mapping[str, bool], *, heading: bool = False) -> bool | None:
    """The one verdict among `words`; with `heading`, a bare True that other lines follow is none."""
    spoken = after_thinking(text)
    if spoken is None:
        return None
    # Nearly every reply is the bare word.
    verdict = words.get(spoken.strip().lower())
    if verdict is not None:
        return verdict
    lines = [_plain_end(line) for line in shown_lines(spoken)]
    found: set[bool | None] = set()
    for place, line in enumerate(lines):
        label = _LABEL.match(line)
        verdict = words.get(line[label.end() :] if label else line)
        if verdict is None:
            continue
        follows_not = place > 0 and lines[place - 1].endswith("not")
        is_heading = heading and verdict and label is None and place < len(lines) - 1
        found.add(None if follows_not or is_heading else verdict)
    return _only(found)


def parse_judgement(text: str) -> bool | None:
    """The verdict of a line `Judgement: Yes` or `Judgement: No`; a reply of that one word is a verdict as well."""
    lines = shown_lines(after_thinking(text) or "")
    if len(lines) == 1 and (word := _plain_end(lines[0])) in _YES_NO:
        return _YES_NO[word]
    found: set[bool | None] = set()
    for line, following in _judgement_lines(lines):
        if match := _JUDGEMENT.search(line):
            found.add(_YES_NO.get(match[1]))
        elif _BARE_JUDGEMENT_HEAD.fullmatch(line):
            found.add(_YES_NO.get(_plain_end(following)))
    return _only(found)


def parse_selection(text: str, allowed: range) -> int | None:
    """The index of a line `Judgment: <index>`, if it is one of those allowed."""
    found: set[int | None] = set()
    for line, following in _judgement_lines(shown_lines(after_thinking(text) or "")):
        if _BARE_JUDGEMENT_HEAD.fullmatch(line):
            line = f"judgment: {_plain_end(following)}"
        if match := _SELECTION.search(line):
            found.add(int(match[1]))
    index = _only(found)
    return index if index in allowed else None


def _judgement_lines(lines: list[str]) -> Iterator[tuple[str, str]]:
    """The lines that speak of a judgement, plain, each with the raw line that follows it."""
    for place, line in enumerate(lines):
        if "judg" in line.lower():
            yield _plain_end(line), lines[place + 1] if place + 1 < len(lines) else ""


def _plain_end(line: str) -> str:
    return plain(line) if len(line) <= _LINE_CHARACTERS else _PROSE + plain(line[-_LINE_CHARACTERS:])


def _only(found: set[_Verdict | None]) -> _Verdict | None:
    """What all agree on; None if they do not, or if there is nothing."""
    return found.pop() if len(found) == 1 else None
