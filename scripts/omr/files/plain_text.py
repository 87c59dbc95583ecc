"""Text of unknown origin, fit to be shown on a terminal or a page."""

from __future__ import annotations

import unicodedata

#: Controls, marks that turn the direction of writing, surrogates, and what is private or unassigned.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def plain_text(text: str, most: int) -> str:
    """At most so many characters of one line: nothing in it moves a cursor, colours, hides or turns what stands beside
    it."""
    head = text[: 4 * most]
    shown = "".join(" " if char in "\n\t" else char for char in head if char in "\n\t" or not _is_unseen(char))
    cut = " ".join(shown.split())
    return cut if len(cut) <= most and len(text) <= 4 * most else cut[: max(most - 3, 0)] + "..."


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN
