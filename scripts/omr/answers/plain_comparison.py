"""Answers that are settled by how they are spelled: the same text, plain numbers, exact rationals."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from omr.answers.spelling import BLANKS, MAX_ANSWER_CHARS, normalise_answer, plain_number
from omr.answers.verdict import Verdict
from omr.files.patterns import lazy

_INTEGER = lazy(r"([+-]?)([0-9]+)")
#: `-3`, `0.5`, `1/2`, `-\frac{1}{2}`, of bounded length.
_RATIONAL = lazy(
    r"(?P<sign>-?)(?:(?P<numeral>\d{1,30}(?:\.\d{1,30})?)(?:/(?P<slashed>\d{1,30}))?"
    r"|\\frac\{(?P<above>-?\d{1,30})\}\{(?P<below>\d{1,30})\})",
    re.ASCII,
)


def compare_cheaply(one: str, other: str) -> Verdict | None:
    """The verdict where spelling settles it, else None. An empty answer is never known to be anything."""
    one, other = one.strip(BLANKS), other.strip(BLANKS)
    if not one or not other:
        return Verdict.UNKNOWN
    if one == other:
        return Verdict.EQUAL if normalise_answer(one) else Verdict.UNKNOWN
    first, second = _INTEGER.fullmatch(one), _INTEGER.fullmatch(other)
    if first and second:
        # Digits are compared, not numbers: Python takes quadratic time to read a long one.
        return Verdict.EQUAL if _plain_integer(first) == _plain_integer(second) else Verdict.DIFFERENT
    if max(len(one), len(other)) > MAX_ANSWER_CHARS:
        return Verdict.UNKNOWN
    spelled, other_spelled = normalise_answer(one), normalise_answer(other)
    if spelled == other_spelled:
        return Verdict.EQUAL if spelled else None
    return _compare_rationals(spelled, other_spelled)


def _compare_rationals(one: str, other: str) -> Verdict | None:
    """The verdict on spellings of two exact rationals; None where either is none, or a decimal that may be rounded."""
    first, second = _rational(one), _rational(other)
    if first is None or second is None:
        return None
    if first == second:
        return Verdict.EQUAL
    return None if "." in one or "." in other else Verdict.DIFFERENT


@lru_cache(maxsize=4096)
def _rational(spelled: str) -> Fraction | None:
    found = _RATIONAL.fullmatch(spelled)
    if found is None:
        return None
    numeral, above, below, slashed = found.group("numeral", "above", "below", "slashed")
    sign = -1 if found["sign"] else 1
    if numeral is None:
        return sign * Fraction(int(above), int(below)) if int(below) else None
    if slashed is None:
        return sign * Fraction(numeral)
    return sign * Fraction(int(numeral), int(slashed)) if numeral.isdigit() and int(slashed) else None


def _plain_integer(found: re.Match[str]) -> str:
    digits = plain_number(found[2])
    return digits if found[1] != "-" or digits == "0" else f"-{digits}"
