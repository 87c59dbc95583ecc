"""Where the formulas of a text stand, so that nothing that is meant for prose touches one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_CLOSING = {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]", "[asy]": "[/asy]"}
_DELIMITER = re.compile(r"\\\$|\$\$|\$|\\\(|\\\)|\\\[|\\\]|\[asy\]|\[/asy\]")


class Piece(NamedTuple):
    """A stretch of a problem: a formula with its delimiters (or a drawing), or the prose between two of them."""

    text: str
    is_formula: bool


def pieces(text: str) -> Iterator[Piece]:
    """A problem as prose and formulas in turn; joined they are the text. What is never closed counts as prose."""
    place, start, closing = 0, 0, ""
    for match in _DELIMITER.finditer(text):
        delimiter = match.group()
        if not closing and delimiter in _CLOSING:
            start, closing = match.start(), _CLOSING[delimiter]
        elif delimiter == closing:
            yield Piece(text[place:start], is_formula=False)
            yield Piece(text[start : match.end()], is_formula=True)
            place, closing = match.end(), ""
    yield Piece(text[place:], is_formula=False)
