"""What parts the elements of a list, and whether they make one list that can only be meant in one way."""

from __future__ import annotations

from collections.abc import Sequence

from omr.answers.forms import Form, Named, Value
from omr.answers.tokens import Kind, Token

_CONJUNCTIONS = {"and": "and", "or": "or", "\\land": "and", "\\lor": "or"}


def is_filled(parts: Sequence[Sequence[Token]], separators: Sequence[str]) -> bool:
    """Whether something stands between all separators but a comma and the conjunction behind it."""
    joints = zip(("", *separators), (*separators, ""), strict=True)
    return all(
        part or (before in (",", ";") and after in ("and", "or"))
        for part, (before, after) in zip(parts, joints, strict=True)
    )


def is_separator(token: Token, seen: list[str]) -> bool:
    """Whether a token parts elements; which kinds of them did is added to `seen`."""
    if token.is_mark(",", ";"):
        seen.append(token.text)
        return True
    conjunction = _CONJUNCTIONS.get(token.text.casefold()) if token.is_letters or token.kind is Kind.COMMAND else None
    if conjunction is not None:
        seen.append(conjunction)
    return conjunction is not None


def is_flat(items: Sequence[Form], separators: set[str]) -> bool:
    """Whether elements are one list, not a list of lists, and not one measure (`3 hours and 20 minutes`)."""
    if {",", ";"} <= separators or {"and", "or"} <= separators:
        return False
    names = [item.name for item in items if isinstance(item, Named)]
    if "or" in separators and len(separators) > 1 and any(name != names[0] for name in names):
        return False
    units = {item.unit for item in items if isinstance(item, Value)}
    dimensions = {unit.dimension for unit in units if unit is not None}
    return len(units) < 2 or len(units - {None}) < 2 or len(dimensions) == len(units)
