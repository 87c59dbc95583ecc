"""Does an answer that was extracted from a discussion stand in it? Its numbers must.

No understanding is needed to see that a model has made an answer up: a number that nobody wrote, in digits, as a word,
as a decimal or as a fraction, was not reported but worked out, or taken from elsewhere. An answer without numbers is
not judged: that there is no solution can be said in any words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property

from omr.files.patterns import lazy

_NUMBER = lazy(r"[0-9]+(?:\.[0-9]+)?")
# A search for one of a few characters is fast: so each pattern begins with some, behind which it looks back.
#: A decimal that leaves out its zero: `.5`.
_POINT = lazy(r"\.(?<![0-9.)\]}]\.)[0-9]++")
#: A digit, and signs between it and the next of one number: `1{,}000`, `1\,000`; or perhaps of two: `1,000`, `1 000`,
#: but not `1, 000`.
_GROUPED = lazy(r"([0-9])(?:(?:\{,\}|\\,|\\!|,(?!\s|\\[, ]))++|\s++)(?=[0-9]{3}(?![0-9]))")
#: Those that can only stand within one.
_WITHIN = lazy(r"([0-9])(?:(?:\{,\}|\\,|,?\\!)++(?=[0-9]{3}(?![0-9]))|[,\s](?=0[0-9]{2}(?![0-9])))")
#: Behind a digit, what is part of no number with it, though NFKC would write it with the same digits.
_PARTED = (
    (lazy(r"[²³¹⁰-ⁿ](?<=\d.)"), r"^\g<0>"),
    (lazy(r"[₀-ₜ](?<=\d.)"), r"_\g<0>"),
    (lazy(r"[¼-¾⅐-⅟↉](?<=\d.)"), r" \g<0>"),
)
_MAY_PART = lazy(r"[²³¹⁰-ⁿ₀-ₜ¼-¾⅐-⅟↉]")
#: A digit of another script.
_OTHER_DIGIT = lazy(r"[^\x00-\x7f](?<=\d)")
_COMMAND = lazy(r"\\[dtc]?frac\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))")
#: From the first digit on: a long number would be gone through from each of them.
_SLASH = lazy(r"([0-9](?<![0-9][0-9])[0-9]*+)\s*[/⁄]\s*([0-9]+)")
_WORD = lazy(r"[^\W\d_]+")
_SPELLED = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SPELLED += " seventeen eighteen nineteen twenty"
_SPELLED_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS = {word: Fraction(value) for value, word in enumerate(_SPELLED.split())}
_TENS = {word: 10 * ten for ten, word in enumerate(_SPELLED_TENS.split(), 2)}
NUMBER_WORDS |= {word: Fraction(value) for word, value in _TENS.items()}
_TENS_AND_UNIT = lazy(rf"\b({'|'.join(_TENS)})[\s‐–-]({'|'.join(_SPELLED.split()[1:10])})\b", re.IGNORECASE)
NUMBER_WORDS |= {"none": Fraction(0), "once": Fraction(1), "twice": Fraction(2), "half": Fraction(1, 2)}
NUMBER_WORDS |= {"hundred": Fraction(100), "thousand": Fraction(1000), "million": Fraction(10**6)}
#: All values that words can have.
_SPELLED_VALUES = frozenset({*NUMBER_WORDS.values(), *range(100)})
_MOST_DIGITS = 400
#: A whole number is an int, which is far cheaper and equals its fraction.
_Value = int | Fraction


class Discussion:
    """The numbers that stand in the texts of a thread, as values. What an answer needs none of is not looked for."""

    def __init__(self, *texts: str) -> None:
        self._texts = texts

    @cached_property
    def _text(self) -> str:
        return _plain("\n".join(self._texts))

    @cached_property
    def _readings(self) -> list[str]:
        return list(_readings(self._text))

    @cached_property
    def _in_digits(self) -> set[_Value]:
        return set[_Value]().union(*map(_numbers, self._readings))

    @cached_property
    def _as_fractions(self) -> set[_Value]:
        return set[_Value]().union(*map(_fractions, self._readings))

    @cached_property
    def _in_words(self) -> set[_Value]:
        words = {word.casefold() for word in _WORD.findall(self._text)}
        pairs = _TENS_AND_UNIT.findall(self._text) if words & _TENS.keys() else []
        values = {value for word, value in NUMBER_WORDS.items() if word in words}
        return {*values, *(NUMBER_WORDS[ten.casefold()] + NUMBER_WORDS[unit.casefold()] for ten, unit in pairs)}

    def has(self, answer: str) -> bool:
        """Whether an answer may have been read here: all of its numbers were, in one of its readings."""
        return any(map(self._has, _readings(_plain(answer))))

    def _has(self, text: str) -> bool:
        fractions = _fractions(text)
        # A fraction counts as its value or by its two numbers.
        if fractions and self._has_all(fractions) and self._has_all(_numbers(_without_fractions(text))):
            return True
        return self._has_all(_numbers(text))

    def _has_all(self, values: set[_Value]) -> bool:
        left = values and values - self._in_digits
        left = left and left - self._as_fractions
        return not left or (left <= _SPELLED_VALUES and left <= self._in_words)


def number_of(text: str) -> int | Fraction | None:
    """The value of a text that is nothing but one number in digits, or a fraction of two."""
    text = text.strip()
    sign = -1 if text[:1] in ("-", "−") else 1
    text = _POINT.sub(r" 0\g<0>", _GROUPED.sub(r"\1", _plain(text[1:] if sign < 0 else text))).strip()
    if len(text) <= _MOST_DIGITS and _NUMBER.fullmatch(text) is not None:
        return sign * _value(text)
    is_fraction = any(match.span() == (0, len(text)) for match in _fraction_matches(text))
    return sign * next(iter(_fractions(text)), Fraction(0)) if is_fraction and _fractions(text) else None


def _plain(text: str) -> str:
    """The text in the digits and signs of ASCII; exponents, indices and fractions stay apart from what they follow."""
    if text.isascii():
        return text
    if _MAY_PART.search(text) is not None:
        for pattern, parted in _PARTED:
            text = pattern.sub(parted, text)
    return _OTHER_DIGIT.sub(lambda digit: str(unicodedata.digit(digit[0])), unicodedata.normalize("NFKC", text))


def _readings(text: str) -> Iterator[str]:
    """The text with the digits of `1,000` as one number, and as two where they may be two: `(2,100)`. So for `.5`."""
    grouped = _GROUPED.sub(r"\1", text)
    parted = _WITHIN.sub(r"\1", text)
    for reading in (grouped,) if parted == grouped else (grouped, parted):
        yield reading
        if _POINT.search(reading) is not None:
            yield _POINT.sub(r" 0\g<0>", reading)


def _numbers(text: str) -> set[_Value]:
    return {_value(number) for number in set(_NUMBER.findall(text)) if len(number) <= _MOST_DIGITS}


def _value(number: str) -> _Value:
    whole, _, decimals = number.partition(".")
    return Fraction(int(whole + decimals), 10 ** len(decimals)) if decimals else int(whole)


def _fractions(text: str) -> set[_Value]:
    pairs = (tuple(filter(None, match.groups())) for match in _fraction_matches(text))
    return {
        Fraction(int(above), int(below))
        for above, below in pairs
        if len(above) <= _MOST_DIGITS and len(below) <= _MOST_DIGITS and int(below)
    }


def _fraction_matches(text: str) -> Iterator[re.Match[str]]:
    commands = list(_COMMAND.finditer(text)) if "frac" in text else []
    yield from commands
    if "/" not in text and "⁄" not in text:
        return
    edges = [0, *(edge for command in commands for edge in command.span()), len(text)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield from _SLASH.finditer(text, start, end)


def _without_fractions(text: str) -> str:
    spans = sorted(match.span() for match in _fraction_matches(text))
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    return " ".join(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
