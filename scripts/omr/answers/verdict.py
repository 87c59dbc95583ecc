"""The outcome of comparing two answers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Verdict(Enum):
    """`EQUAL`: shown to be the same answer; `DIFFERENT`: shown not to be; `UNKNOWN`: neither, nor to be read as one."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


def all_equal(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a whole from those on its parts: one different part decides, one unknown part leaves it open."""
    unknown = False
    for verdict in verdicts:
        if verdict is Verdict.DIFFERENT:
            return verdict
        unknown = unknown or verdict is Verdict.UNKNOWN
    return Verdict.UNKNOWN if unknown else Verdict.EQUAL


def any_equal(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict when one of several readings suffices: different only if every reading is."""
    unknown = False
    for verdict in verdicts:
        if verdict is Verdict.EQUAL:
            return verdict
        unknown = unknown or verdict is Verdict.UNKNOWN
    return Verdict.UNKNOWN if unknown else Verdict.DIFFERENT
