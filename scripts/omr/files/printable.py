"""Text that anybody may have written, without the characters that a terminal or a page takes as commands."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """A text without control characters (each becomes `\N{REPLACEMENT CHARACTER}`)."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
