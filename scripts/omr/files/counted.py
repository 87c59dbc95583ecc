"""Numbers with what they count, for sentences: `1 problem`, `2 problems`, `1,024 replies`."""

from __future__ import annotations

_VOWELS = "aeiou"


def counted(number: int, noun: str) -> str:
    """A number with its noun, which is given for one thing; words before the noun stay as they are."""
    return f"{number:,} {noun_for(number, noun)}"


def noun_for(number: int, noun: str) -> str:
    """The noun for one thing as it stands beside a number."""
    if number == 1:
        return noun
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def verb_for(number: int, one: str = "is", several: str = "are") -> str:
    """The form of a verb that goes with so many."""
    return one if number == 1 else several
