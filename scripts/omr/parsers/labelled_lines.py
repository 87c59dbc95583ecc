"""A last line of a label and a value, in whatever language: does it belong to the problem (`Seite: 5`), or is it the
answer that a model wrote behind it (`Antwort: 5`)?

Its words do not tell in all languages, and by its form alone the answer is a datum like any other. What tells is the
text that the problem was taken from: a line whose label and whose number both stand nowhere there was added. Where
only one of them does, it stays if it goes on a list of such lines, and is unclear if it stands for itself.
"""

from __future__ import annotations

from itertools import pairwise

from omr.files.patterns import lazy
from omr.parsers.founded import Discussion
from omr.parsers.reply_text import SPACE

MARKS = r"[ \t\u3000\xa0>#*_`(\[•–-]*+"
COLON = rf"[*_`]*+{SPACE}?[:：]"
#: A label is a few words, none of which is a formula, and what it labels stands in its line.
_LINE = lazy(rf"(?P<marks>{MARKS})(?P<label>[^\W\d_][^\n:：$\\0-9=.?!;]{{1,39}}+)[:：](?P<value>[^\n]{{1,300}}+)")
_NUMBER_ALONE = lazy(rf"{MARKS}[^\W\d_]{{2,20}}(?: [^\W\d_]{{1,20}}){{0,2}}{COLON}[ $*]*+[0-9+−-][0-9 .,/%$*−+-]*+")
#: A line of a list may have any value.
_ENTRY = lazy(rf"(?P<marks>{MARKS})[^\W\d_]{{1,20}}(?: [^\W\d_]{{1,20}}){{0,3}}{COLON}[ $*]*+\S")
_WORDS = lazy(r"[^\W\d_]{2,}")
_DIGIT = lazy(r"\d")
#: So many first letters of a word are the same in its other forms.
_STEM = 4
_LINES = 4


def without_added_lines(text: str, source: str) -> str:
    """The text without last lines of a label and a number that both stand nowhere in its source."""
    for _ in range(_LINES):
        before, _, last = text.rstrip().rpartition("\n")
        if not before.strip() or not _is_added(last, source):
            break
        text = before
    return text


def _is_added(line: str, source: str) -> bool:
    found = _LINE.fullmatch(line.rstrip())
    if found is None or _DIGIT.search(found["value"]) is None:
        return False
    stems = [word[:_STEM] for word in _WORDS.findall(found["label"].casefold())]
    words = source.casefold()
    return bool(stems) and not any(stem in words for stem in stems) and not Discussion(source).has(found["value"])


def ends_unclear(text: str) -> bool:
    """Whether the last line is a label and a number and stands for itself: no list of such lines goes on with it."""
    lines = text.rstrip().split("\n")
    if _NUMBER_ALONE.fullmatch(lines[-1]) is None or not any(line.strip() for line in lines[:-1]):
        return False
    return not _goes_on(lines)


def _goes_on(lines: list[str]) -> bool:
    """Whether the line before the last is one of its kind, with the same marks, and as far from the line before it."""
    shown = [place for place, line in enumerate(lines) if line.strip()][-3:]
    entries = [_ENTRY.match(lines[place]) for place in shown[-2:]]
    if any(entry is None for entry in entries) or len({entry["marks"].strip() for entry in entries if entry}) > 1:
        return False
    gaps = [after - before for before, after in pairwise(shown)]
    return gaps[-1] == 1 or (len(gaps) > 1 and gaps[0] == gaps[1])
