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
#: What becomes of being in a formula; the dollar turns it round.
_OPENS = {"\\(": True, "\\[": True, "\\)": False, "\\]": False}
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


_SPECIAL = _NOTHING | _OPENS.keys() | _SAME_AS.keys() | {"$"}


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
        if token in _SPECIAL:
            in_formula = not in_formula if token == "$" else _OPENS.get(token, in_formula)
            if token in _SAME_AS:
                found.append(_SAME_AS[token])
        elif in_formula or token.islower() or not _is_prose(token):
            found.append(token)
        else:
            found.append(token.lower())
    while found and found[-1] == ".":
        found.pop()
    return " ".join(found)


def _is_prose(token: str) -> bool:
    """A word whose case means nothing: one that only begins with a capital, or is too long for names of points."""
    return token.isalpha() and (len(token) > 3 or (len(token) > 1 and token[1:].islower()))
