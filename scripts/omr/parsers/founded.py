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

from omr.files.patterns import lazy

_NUMBER = lazy(r"[0-9]+(?:\.[0-9]+)?")
#: A decimal that leaves out its zero: `.5`.
_POINT = lazy(r"(?<![0-9.)\]}])\.[0-9]++")
#: Signs between the digits of one number: `1{,}000`, `1\,000`; or perhaps of two: `1,000`, `1 000`, but not `1, 000`.
_GROUPED = lazy(r"(?<=[0-9])(?:(?:\{,\}|\\,|\\!|,(?!\s|\\[, ]))++|\s++)(?=[0-9]{3}(?![0-9]))")
#: Those that can only stand within one.
_WITHIN = lazy(r"(?<=[0-9])(?:(?:\{,\}|\\,|,?\\!)++(?=[0-9]{3}(?![0-9]))|[,\s](?=0[0-9]{2}(?![0-9])))")
#: Between a digit and what is part of no number with it, though NFKC would write it with the same digits.
_PARTED = (
    (lazy(r"(?<=\d)(?=[²³¹⁰-ⁿ])"), "^"),
    (lazy(r"(?<=\d)(?=[₀-ₜ])"), "_"),
    (lazy(r"(?<=\d)(?=[¼-¾⅐-⅟↉])"), " "),
)
#: A digit of another script.
_OTHER_DIGIT = lazy(r"(?![0-9])\d")
_FRACTION = lazy(
    r"\\[dtc]?frac\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))"
    # From the first digit on: a long number would be gone through from each of them.
    r"|(?<![0-9])([0-9]++)\s*[/⁄]\s*([0-9]+)"
)
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
_MOST_DIGITS = 400


class Discussion:
    """The numbers that stand in the texts of a thread, as values."""

    def __init__(self, *texts: str) -> None:
        text = _plain("\n".join(texts))
        self._numbers = set[Fraction]()
        for reading in _readings(text):
            self._numbers |= _numbers(reading) | _fractions(reading)
        words = {word.casefold() for word in _WORD.findall(text)}
        self._numbers |= {value for word, value in NUMBER_WORDS.items() if word in words}
        pairs = _TENS_AND_UNIT.findall(text) if words & _TENS.keys() else []
        self._numbers |= {NUMBER_WORDS[ten.casefold()] + NUMBER_WORDS[unit.casefold()] for ten, unit in pairs}

    def has(self, answer: str) -> bool:
        """Whether an answer may have been read here: all of its numbers were, in one of its readings."""
        return any(map(self._has, _readings(_plain(answer))))

    def _has(self, text: str) -> bool:
        fractions = _fractions(text)
        # A fraction counts as its value or by its two numbers.
        if fractions and fractions <= self._numbers and _numbers(_FRACTION.sub(" ", text)) <= self._numbers:
            return True
        return _numbers(text) <= self._numbers


def _plain(text: str) -> str:
    """The text in the digits and signs of ASCII; exponents, indices and fractions stay apart from what they follow."""
    if text.isascii():
        return text
    for pattern, sign in _PARTED:
        text = pattern.sub(sign, text)
    return _OTHER_DIGIT.sub(lambda digit: str(unicodedata.digit(digit[0])), unicodedata.normalize("NFKC", text))


def _readings(text: str) -> Iterator[str]:
    """The text with the digits of `1,000` as one number, and as two where they may be two: `(2,100)`. So for `.5`."""
    grouped = _GROUPED.sub("", text)
    parted = _WITHIN.sub("", text)
    for reading in (grouped,) if parted == grouped else (grouped, parted):
        yield reading
        if _POINT.search(reading) is not None:
            yield _POINT.sub(r" 0\g<0>", reading)


def _numbers(text: str) -> set[Fraction]:
    return {Fraction(number) for number in _NUMBER.findall(text) if len(number) <= _MOST_DIGITS}


def _fractions(text: str) -> set[Fraction]:
    found = set()
    for match in _FRACTION.finditer(text):
        above, below = (part for part in match.groups() if part is not None)
        if len(above) <= _MOST_DIGITS and len(below) <= _MOST_DIGITS and int(below):
            found.add(Fraction(int(above), int(below)))
    return found
