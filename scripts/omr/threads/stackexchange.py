"""Questions with answers of a Stack Exchange site, as its public dumps have them: HTML with LaTeX, answers with scores.

Dumps in Parquet hold `question` (HTML) and `answers`, a list of {"text" (HTML), "selected", "pm_score", "author", ...}.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from omr.threads.formulas import pieces

#: Tags that the sites let through; any other `<` is one of mathematics, such as that of `$a<b$`.
_TAGS = (
    "a|b|blockquote|br|code|dd|del|div|dl|dt|em|h[1-6]|hr|i|img|kbd|li|ol|p|pre|s|span|strike|strong|sub|sup|table|tbody"
    "|td|th|thead|tr|ul"
)
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BREAK = re.compile(r"</?(?:br|p|div|li)\b", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n{3,}")
_STANDS = "\ue000{}\ue001"
_STANDING = re.compile("\ue000([0-9]+)\ue001")
#: How exponents and indices come back, and what they are: `2<sup>10</sup>` is not `210`.
_RAISED, _LOWERED = "<\ue002>", "<\ue003>"
_SCRIPTS = {_RAISED: "^{", _LOWERED: "_{", "</\ue002>": "}", "</\ue003>": "}"}
_PRIVATE = dict.fromkeys(map(ord, "\ue000\ue001\ue002\ue003"))


class AnswerFields(NamedTuple):
    """Where an answer has its text, whether the asker selected it, its score, and who wrote it."""

    text: str = "text"
    selected: str = "selected"
    score: str = "pm_score"
    author: str = "author"


class Answer(NamedTuple):
    """An answer as it is (HTML), and its author, if that is told."""

    text: str
    author: str | None


def plain_text(text: str) -> str:
    """HTML as text, with its formulas as they are; what has no tags loses its entities alone.

    Paragraphs are parted by a blank line, items of lists and lines of tables by line ends; links and pictures leave
    their words; exponents and indices are as in LaTeX.
    """
    if _TAG.search(text) is None:
        return html.unescape(text).strip()
    # Imported here: only dumps of this kind need it.
    from markdownify import markdownify

    kept: list[str] = []
    marked = "".join(_kept(kept, piece.text) if piece.is_formula else _escaped(piece.text) for piece in pieces(text))
    try:
        plain = markdownify(
            marked,
            strip=["a", "img", "strong", "b", "em", "i", "blockquote"],
            heading_style="ATX",
            bullets="-",
            escape_asterisks=False,
            escape_underscores=False,
            escape_misc=False,
            sup_symbol=_RAISED,
            sub_symbol=_LOWERED,
        )
    except RecursionError:  # tags within tags, deeper than anybody writes
        plain = html.unescape(_TAG.sub(_line_end, marked))
    for script, sign in _SCRIPTS.items():
        plain = plain.replace(script, sign)
    return _BLANK_LINES.sub("\n\n", _STANDING.sub(lambda mark: kept[int(mark[1])], plain)).strip()


def _line_end(tag: re.Match[str]) -> str:
    """What is left of a tag where tags are only taken out."""
    return "\n" if _BREAK.match(tag[0]) else ""


def _kept(kept: list[str], formula: str) -> str:
    """A mark that stands for a formula while its surroundings are read; `<br>` in it is a line end."""
    kept.append(html.unescape(_TAG.sub(_line_end, formula)))
    return _STANDS.format(len(kept) - 1)


def _escaped(prose: str) -> str:
    """Prose whose only `<` are those of tags."""
    found, place = [], 0
    prose = prose.translate(_PRIVATE)
    for tag in _TAG.finditer(prose):
        found += [prose[place : tag.start()].replace("<", "&lt;"), tag[0]]
        place = tag.end()
    return "".join([*found, prose[place:].replace("<", "&lt;")])


def fault_of_answers(value: Any, fields: AnswerFields) -> str | None:
    """What is wrong with a row's answers, as a phrase, or None."""
    if not isinstance(value, list | None):
        return f"must be a list of answers, not {type(value).__name__}"
    for answer in value or ():
        if not isinstance(answer, Mapping):
            return f"must hold objects, not {type(answer).__name__}"
        if not isinstance(answer.get(fields.text), str | None):
            return f"must hold objects whose {fields.text} is text"
    return None


def best_first(answers: Sequence[Mapping[str, Any]] | None, fields: AnswerFields) -> list[Answer]:
    """The answers: the one that the asker selected, then by score, greatest first, then in their order."""

    def rank(answer: Mapping[str, Any]) -> tuple[bool, float]:
        score = answer.get(fields.score)
        known = isinstance(score, int | float) and math.isfinite(score)
        return (not _is_true(answer.get(fields.selected)), -float(score) if known and score is not None else math.inf)

    ranked = [(answer.get(fields.text) or "", answer.get(fields.author)) for answer in sorted(answers or (), key=rank)]
    return [Answer(text, author if isinstance(author, str) and author.strip() else None) for text, author in ranked]


def _is_true(value: Any) -> bool:
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() == "true")
