"""Which plus and minus signs of a formula in MathML belong to what follows them, and which stand between two things.

Browsers take a sign for one between two things unless it is the first of its row: `{−13, −3}` would have a blank behind
each minus. TeX looks at what stands before it, and so does this.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SIGNS = frozenset("+-−±∓")
_BARS = frozenset("|‖")
#: Signs that end something, or are something themselves: behind them comes an operation.
_ENDS = frozenset(")]}⌋⌉⟩!%°'′″‴.…⋯⋮⋱∞∅")
#: Their first part is what the others are fixed to.
_FIXED_TO = frozenset({"msub", "msup", "msubsup", "munder", "mover", "munderover"})


def mark_signs(row: Element) -> None:
    """Mark the signs among the parts of a row of MathML that belong to what follows them."""
    before, bars = "", 0
    for part in row:
        sign = _sign(part)
        if sign in _SIGNS:
            # The converter has some of them as letters, which nobody spaces.
            part.tag = "mo"
            if before and before not in _ENDS and not (before in _BARS and bars % 2 == 0):
                part.set("form", "prefix")
        bars += sign in _BARS
        # As in TeX, space changes nothing.
        before = before if part.tag == "mspace" else sign


def _sign(part: Element) -> str:
    """The operator, bracket or other sign that a part is, perhaps with something fixed to it; empty for all else."""
    core = part
    while core.tag in _FIXED_TO and len(core):
        core = core[0]
    text = html.unescape(core.text or "").strip()
    return text if core.tag == "mo" or (core.tag == "mi" and len(text) == 1 and not text.isalnum()) else ""
