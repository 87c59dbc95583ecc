r"""Tokens that labels cut into the answers to the parts of a problem: `(a) 6 (b) 2`, `1. 5 2. 7`, `i) x ii) y`.

Labels come in order from the first on and stand outside of all brackets; each has an answer behind it. So `(a)(b)` and
`(x)(x+1)` are products.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from omr.answers.tokens import Kind, Token

_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
#: Labels in order, per style.
_STYLES = (
    tuple("abcdefghij"),
    tuple("ABCDEFGHIJ"),
    tuple(str(number) for number in range(1, 11)),
    _ROMAN,
    tuple(numeral.upper() for numeral in _ROMAN),
)
_OPENING, _CLOSING = ("(", "[", "{", "\\{"), (")", "]", "}", "\\}")
_SEPARATORS = (",", ";", ".", ":")


def split_parts(tokens: Sequence[Token]) -> list[tuple[str, list[Token]]] | None:
    """Labels with the tokens behind each, without what parts them from the next; None if there are not two or more."""
    for style in _STYLES:
        parts = _split(tokens, style)
        if parts is not None:
            return parts
    return None


def _split(tokens: Sequence[Token], style: Sequence[str]) -> list[tuple[str, list[Token]]] | None:
    starts: list[tuple[int, int]] = []  # of each label, and of what stands behind it
    depth, place = 0, 0
    while place < len(tokens):
        end = _label_end(tokens, place, style[len(starts)]) if not depth and len(starts) < len(style) else None
        if end is not None:
            starts.append((place, end))
            place = end
            continue
        if not starts:
            return None
        depth += tokens[place].is_mark(*_OPENING) - tokens[place].is_mark(*_CLOSING)
        place += 1
    if len(starts) < 2:
        return None
    ends = [start for start, _ in starts[1:]] + [len(tokens)]
    parts = [(label, _stripped(tokens[begin:end])) for label, (_, begin), end in zip(style, starts, ends, strict=False)]
    return parts if all(part for _, part in parts) else None


def _label_end(tokens: Sequence[Token], start: int, label: str) -> int | None:
    """Where the text behind a label starts; None if `label` does not stand at `start`."""
    place = start
    if place < len(tokens) and tokens[place].is_letters and tokens[place].text.casefold() == "part":
        place += 1
    enclosed = place < len(tokens) and tokens[place].is_mark("(")
    place += enclosed
    if place >= len(tokens) or tokens[place].text != label or tokens[place].kind in (Kind.COMMAND, Kind.MARK):
        return None
    place += 1
    closings = (")",) if enclosed else (")", ".", ":")
    if place >= len(tokens) or not tokens[place].is_mark(*closings):
        return None
    apart = start == 0 or tokens[start].spaced or tokens[start - 1].is_mark(*_SEPARATORS)
    follower = tokens[place + 1] if place + 1 < len(tokens) else None
    if not enclosed and not (apart and follower is not None and follower.spaced):
        return None
    return next(end for end in count(place + 1) if end >= len(tokens) or not tokens[end].is_mark(":", "."))


def _stripped(part: Sequence[Token]) -> list[Token]:
    rest = list(part)
    while rest and (rest[-1].is_mark(*_SEPARATORS) or (rest[-1].is_letters and rest[-1].text.casefold() == "and")):
        rest.pop()
    return rest
