r"""Words of mathematics, as they are indexed and looked for: `\frac{x+1}2` is `frac x + 1 2`.

Signs are words of their own (`x+1` is not `x-1`), braces, dollars and spacing are none, so that the many spellings of
one formula meet. The same rule makes words of a text and of what is typed into the search field.
"""

from __future__ import annotations

import re

#: Signs that FTS5 is told to take as parts of words.
SIGNS = "+-=^_<>/*!|&%':"
_SIGN = re.compile(r"[-+=^_<>/*!|&%':]")
_SPACING = re.compile(r"\\(?:left|right|displaystyle|quad|qquad|[,;:! ])(?![A-Za-z])")
_LONG = 20_000
_PIECES = re.compile(r'"([^"]*)"|\$+([^$]*)\$+|(\S+)')
#: More words than that make no search better.
_MOST_PIECES = 16


def indexed(text: str) -> str:
    """A text as FTS5 gets it; of enormous ones the beginning."""
    return _SIGN.sub(r" \g<0> ", _SPACING.sub(" ", text[:_LONG]))


def query(typed: str) -> str | None:
    """What is typed as an FTS5 query; None if there is no word in it.

    Pieces between spaces must all be there, in any order; what stands in quotes or dollars must be there as it is.
    A star at the end of a piece stands for any ending.
    """
    phrases = []
    for match in list(_PIECES.finditer(typed[:1000]))[:_MOST_PIECES]:
        piece = next(part for part in match.groups() if part is not None)
        is_open = match[3] is not None and piece.endswith("*") and piece[:-1].isalnum()
        words = indexed(piece.removesuffix("*") if is_open else piece).replace('"', " ").replace("\0", " ")
        if any(char.isalnum() or char in SIGNS for char in words):
            phrases.append(f'"{words}"' + ("*" if is_open else ""))
    return " ".join(phrases) or None
