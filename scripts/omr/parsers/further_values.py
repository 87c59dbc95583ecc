"""Does the prose behind an answer state a value that the answer has not? Then it may not be cut off: it is a second
answer, another case, or the condition of the first.

Numbers of posts are no values, nor are derivations whose last side is the answer, in whatever spelling, and comparisons
of constants (`25 < 26`), which are neither a value nor a condition. An equation with a variable may be a condition.
"""

from __future__ import annotations

from omr.files.patterns import lazy
from omr.parsers.founded import NUMBER_WORDS, number_of

_AND = r"(?:,? and |,? or |, ?| ?& ?| ?[-–] ?)"
#: Numbers that count posts (`posts 2, 3 and 4`, `#4`, `the 2nd post`), and names of people (`mathman12`).
_LABELS = lazy(
    rf"\b(?i:posts[ #]{{1,2}}+[0-9]++(?:{_AND}#?[0-9]++(?![\w^=.]))*+|(?:post|reply|comment)[ #]{{1,2}}+[0-9]++)"
    r"|#[0-9]++|\b[0-9]++(?:st|nd|rd|th)\b|(?<![\\\w])[^\W\d_]{2,}+(?=[0-9_])\w*+"
)
_FORMULA = lazy(r"\$[^$]++\$|\\\([^()]*+\\\)|\\[a-zA-Z]++(?:\{[^{}]*+\})*+")
_ATOM = r"(?:[0-9]++(?:[.,][0-9]++)*+|(?<![\w'’])[b-zB-HJ-Z](?![\w'’]))"
#: Numbers, letters that are names of variables, and what is made of them with signs.
_PLAIN = lazy(rf"[-+−]?{_ATOM}(?: ?[-+−*/^=<>·×≤≥] ?{_ATOM})*+")
_LOOKS = lazy(r"[\s$*_`]|\\?[{}]|\\[()\[\]]|\\(?:boxed|fbox)(?![a-zA-Z])")
#: A number word that ends its clause is a value (`the other is three.`); before a noun it counts (`two posts agree`).
_LAST_WORD = lazy(r"\b[^\W\d_]++(?=[.,;:)]|\Z)")
_SIGNS = "+-−"
_EDGES = " $*_`.,;:"
_COMPARES = lazy(r"[0-9)](?:[<>≤≥≠∣]|\\(?:leq?|geq?|neq?|n?mid|lt|gt)(?![a-zA-Z]))")
#: Signs and commands of which terms without variables are made.
_CONSTANT = lazy(
    r"(?:[0-9.,+\-−*/^=()<>≤≥≠∣·×!{}]|\\(?:[cdt]?frac|sqrt|cdot|times|pi|leq?|geq?|neq?|n?mid|[lg]t)(?![a-zA-Z]))++"
)


def states_more(prose: str, answer: str) -> bool:
    """Whether prose that stands behind an answer states a number or a formula that is neither a part of the answer nor
    ends in it (`since $2 + 3 = 5$` for `5`)."""
    rest = _LABELS.sub(" ", prose)
    values = _FORMULA.findall(rest)
    rest = _FORMULA.sub(" ", rest)
    own = _bare(answer)
    words = (NUMBER_WORDS.get(word.casefold(), 1) for word in _LAST_WORD.findall(rest))
    values += [str(value) for value in words if value != 1]
    values += _PLAIN.findall(rest)
    return "$" in rest or not all(_ends_in(_bare(value), own) or _is_same(value, answer) for value in values)


def _bare(formula: str) -> str:
    return _LOOKS.sub("", formula).rstrip(".,;:")


def _ends_in(value: str, answer: str) -> bool:
    return not value or value.rpartition("=")[2] == answer or _is_part(value, answer) or _compares(value)


def _compares(value: str) -> bool:
    return _COMPARES.search(value) is not None and _CONSTANT.fullmatch(value) is not None


def _is_same(value: str, answer: str) -> bool:
    number = number_of(value.rpartition("=")[2].strip(_EDGES))
    return number is not None and number == number_of(answer.strip(_EDGES))


def _is_part(value: str, answer: str) -> bool:
    """Whether a value stands in an answer, and not within a number or a name there, nor behind a sign of its own."""
    place = answer.find(value)
    while place >= 0:
        before, after = answer[place - 1 : place], answer[place + len(value) : place + len(value) + 1]
        foreign = (
            before.isalnum() or before in (".", "\\") or (value[0].isdigit() and before != "" and before in _SIGNS)
        )
        if not foreign and not after.isalnum():
            return True
        place = answer.find(value, place + 1)
    return False
