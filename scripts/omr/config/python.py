"""Which Pythons read texts rightly."""

from __future__ import annotations

import sys

from omr.errors import UserError

#: Before, possessive quantifiers of `re` over alternatives match what they should not (CPython's issue 106052).
_FIRST_RIGHT = (3, 11, 5)


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> None:
    """Raise UserError for a Python by which answers would not be found in texts."""
    if version < _FIRST_RIGHT:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, _FIRST_RIGHT))
        raise UserError(
            f"this Python, {found}, has a fault in its regular expressions by which answers are not found",
            remedy=f"install Python {needed} or newer, remove .venv, and make it again with that one first on PATH",
        )
