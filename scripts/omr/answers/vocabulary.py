"""Names that an answer's mathematics knows: functions, constants, letters, decorations, brackets."""

from __future__ import annotations

from typing import Final

FUNCTIONS: Final = frozenset(
    str.split(
        "sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh ln log exp gcd lcm max min sqrt abs floor"
        " ceil log_10"
    )
)
INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot"}
CONSTANT_WORDS = {"pi": "\\pi", "infinity": "\\infty", "inf": "\\infty", "oo": "\\infty", "theta": "\\theta"}
CONSTANT_WORDS |= {name: f"\\{name}" for name in ("alpha", "beta", "gamma", "delta", "lambda", "phi", "omega")}
GREEK = frozenset(
    "\\" + name
    for name in str.split(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
        " omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega infty ell emptyset hbar Re Im"
    )
)
DECORATIONS = frozenset({"\\overline", "\\vec", "\\hat", "\\tilde", "\\angle", "\\triangle", "\\dot"})
#: A letter of these before a parenthesis is a function's name; any other letter is a factor.
FUNCTION_LETTERS = frozenset("fghFGHPQW")
#: Functions whose names mean nothing else, so that they are known in a text font as well (`sec` and `min` are units).
UPRIGHT_FUNCTIONS = frozenset(str.split("sin cos tan cot csc arcsin arccos arctan arccot sinh cosh tanh ln log"))
#: Commands before a parenthesis that name functions; any other Greek letter is a factor.
FUNCTION_COMMANDS = frozenset("\\" + name for name in str.split("Gamma Lambda Phi Psi zeta mu sigma tau phi chi psi"))
_SHORT_WORDS = frozenset(
    str.split("am an as at be by do go he if in is it me my no of on or so to up us we th st nd rd")
)
ORDINALS = frozenset({"th", "st", "nd", "rd"})
#: Letters that are a unit of measure where they stand upright behind a number.
UNIT_LETTERS = frozenset("mgshlLNJW")
FENCES = {"\\lfloor": ("\\rfloor", "floor"), "\\lceil": ("\\rceil", "ceil")}


def is_product(word: str) -> bool:
    """Whether letters side by side are variables: `xy`, `abc`, `ABCD`; not `is`, `sum`, `sinx`."""
    if word.isupper():
        return len(word) <= 4
    return (len(word) == 2 and word not in _SHORT_WORDS) or word in "abcdefgh" or word in "pqrstuvwxyz"
