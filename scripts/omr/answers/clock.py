"""Times of day: `5:00 p.m.`, `5 PM`, `2:08`. `12:30` alone may be a ratio as well and is none here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omr.answers.forms import Clock
from omr.answers.tokens import Token
from omr.files.patterns import lazy

_TIME = lazy(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?(?:([ap])\.?m\.?)?", re.ASCII)
_HOURS, _MINUTES, _DAY = 24, 60, 86_400


def read_clock(tokens: Sequence[Token]) -> Clock | None:
    """The time that tokens tell: with its half of the day, or with a leading zero in minutes or seconds."""
    found = _TIME.fullmatch("".join(token.text for token in tokens).casefold())
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    half = found[4]
    told = half is not None or any((part or " ")[0] == "0" for part in found.groups()[1:3])
    if not told or max(minutes, seconds) >= _MINUTES or hours > _HOURS or (half and not 1 <= hours <= 12):
        return None
    if half:
        hours = hours % 12 + (12 if half == "p" else 0)
    return Clock((hours * _MINUTES + minutes) * _MINUTES + seconds, half)


def twelve_hours_apart(one: Clock, other: Clock) -> bool:
    """Whether two times look the same on a dial."""
    return (one.seconds - other.seconds) % (_DAY // 2) == 0
