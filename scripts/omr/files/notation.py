r"""A text in its own notation: what is left when marks that mean nothing are gone, and only those.

Two problems with the same notation are the same problem. The converse does not hold, and is not meant to: here no mark
is taken for decoration that can carry meaning in mathematics. `$a$` and `$A$`, `$\phi$` and `$\Phi$`, `1 1/2` and
`11/2`, `$\mathbb{R}$` and `$R$`, `$f'$` and `$f$`, `1, 2, \ldots, n` and `1, 2, n` all differ.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[^\W\d_]+|\d+|\S", re.DOTALL)
#: Sizes, spaces and delimiters of formulas.
_NOTHING = frozenset(
    {"\\left", "\\right", "\\big", "\\Big", "\\bigl", "\\bigr", "\\Bigl", "\\Bigr", "\\bigg", "\\Bigg"}
    | {"\\displaystyle", "\\textstyle", "\\limits", "\\quad", "\\qquad", "\\,", "\\;", "\\:", "\\!", "\\ ", "~"}
)
_OPENING, _CLOSING, _EITHER = frozenset({"\\(", "\\["}), frozenset({"\\)", "\\]"}), "$"
#: Two names of one sign.
_SAME_AS = {
    "\\dfrac": "\\frac",
    "\\tfrac": "\\frac",
    "\\cfrac": "\\frac",
    "\\dbinom": "\\binom",
    "\\tbinom": "\\binom",
    "\\leq": "\\le",
    "\\geq": "\\ge",
    "\\neq": "\\ne",
    "\\to": "\\rightarrow",
    "≤": "\\le",
    "≥": "\\ge",
    "≠": "\\ne",
    "−": "-",
}


# Who asks for a row's id and whether it is a duplicate asks twice in a row.
@lru_cache(maxsize=1)
def notation(text: str) -> str:
    """The text's tokens with a space between them; takes time linear in the length.

    White space, delimiters of formulas, sizes and a last full stop are gone, two names of one sign are one, and words
    of prose are in small letters. Nothing else changes.
    """
    found: list[str] = []
    in_formula = False
    for token in _TOKEN.findall(text):
        if token == _EITHER:
            in_formula = not in_formula
        elif token in _OPENING or token in _CLOSING:
            in_formula = token in _OPENING
        elif token not in _NOTHING:
            found.append(token.lower() if not in_formula and _is_prose(token) else _SAME_AS.get(token, token))
    while found and found[-1] == ".":
        found.pop()
    return " ".join(found)


def _is_prose(token: str) -> bool:
    """A word whose case means nothing: one that only begins with a capital, or is too long for names of points."""
    return token.isalpha() and (len(token) > 3 or (len(token) > 1 and token[1:].islower()))
