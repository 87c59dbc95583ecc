"""Does an answer that was extracted from a discussion stand in it? Its numbers must.

No understanding is needed to see that a model has made an answer up: a number that nobody wrote, in digits, as a word,
as a decimal or as a fraction, was not reported but worked out, or taken from elsewhere. An answer without numbers is
not judged: that there is no solution can be said in any words.
"""

from __future__ import annotations

import unicodedata
from fractions import Fraction

from omr.files.patterns import lazy

_NUMBER = lazy(r"[0-9]+(?:\.[0-9]+)?")
#: Signs between the digits of one number: `1,000`, `1{,}000`, `1\,000`.
_GROUPED = lazy(r"(?<=[0-9])(?:\{,\}|\\,|,|\\!|\s)+(?=[0-9]{3}(?![0-9]))")
_FRACTION = lazy(
    r"\\[dtc]?frac\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))"
    # From the first digit on: a long number would be gone through from each of them.
    r"|(?<![0-9])([0-9]++)\s*[/⁄]\s*([0-9]+)"
)
_WORD = lazy(r"[^\W\d_]+")
_SPELLED = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SPELLED += " seventeen eighteen nineteen twenty"
NUMBER_WORDS = {word: Fraction(value) for value, word in enumerate(_SPELLED.split())}
NUMBER_WORDS |= {"none": Fraction(0), "once": Fraction(1), "twice": Fraction(2), "half": Fraction(1, 2)}
NUMBER_WORDS |= {"hundred": Fraction(100), "thousand": Fraction(1000), "million": Fraction(10**6)}
_MOST_DIGITS = 400


class Discussion:
    """The numbers that stand in the texts of a thread, as values."""

    def __init__(self, *texts: str) -> None:
        text = _plain("\n".join(texts))
        self._numbers = _numbers(text) | _fractions(text)
        words = {word.casefold() for word in _WORD.findall(text)}
        self._numbers |= {value for word, value in NUMBER_WORDS.items() if word in words}

    def has(self, answer: str) -> bool:
        """Whether an answer may have been read here: all of its numbers were."""
        text = _plain(answer)
        fractions = _fractions(text)
        # A fraction counts as its value or by its two numbers.
        if fractions and fractions <= self._numbers and _numbers(_FRACTION.sub(" ", text)) <= self._numbers:
            return True
        return _numbers(text) <= self._numbers


def _plain(text: str) -> str:
    return _GROUPED.sub("", unicodedata.normalize("NFKC", text))


def _numbers(text: str) -> set[Fraction]:
    return {Fraction(number) for number in _NUMBER.findall(text) if len(number) <= _MOST_DIGITS}


def _fractions(text: str) -> set[Fraction]:
    found = set()
    for match in _FRACTION.finditer(text):
        above, below = (part for part in match.groups() if part is not None)
        if len(above) <= _MOST_DIGITS and len(below) <= _MOST_DIGITS and int(below):
            found.add(Fraction(int(above), int(below)))
    return found
