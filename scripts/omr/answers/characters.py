"""Characters of an answer as models type them -> the few that LaTeX is written with.

Full-width digits, mathematical alphabets, superscripts, Greek letters, invisible marks: one table, applied in one pass.
"""

from __future__ import annotations

import unicodedata

from omr.files.patterns import lazy

_GREEK = str.split(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho . sigma tau upsilon phi"
    " chi psi omega"
)

_COMMANDS = {
    "×": "times", "·": "cdot", "⋅": "cdot", "∙": "cdot", "•": "cdot", "∗": "cdot", "∞": "infty", "√": "sqrt",
    "≤": "leq", "≦": "leq", "⩽": "leq", "≥": "geq", "≧": "geq", "⩾": "geq", "≠": "neq", "≈": "approx", "≃": "approx",
    "≡": "equiv", "∈": "in", "∉": "notin", "∪": "cup", "∩": "cap", "∅": "emptyset", "∖": "setminus", "±": "pm",
    "∓": "mp", "ℝ": "mathbb{R}", "ℤ": "mathbb{Z}", "ℕ": "mathbb{N}", "ℚ": "mathbb{Q}", "ℂ": "mathbb{C}",
    "∠": "angle", "△": "triangle", "⟨": "langle", "⟩": "rangle", "〈": "langle", "〉": "rangle", "⌊": "lfloor",
    "⌋": "rfloor", "⌈": "lceil", "⌉": "rceil", "…": "dots", "⋯": "dots", "∣": "mid", "→": "to", "⊂": "subset",
    "⊆": "subseteq", "∑": "sum", "∏": "prod", "∫": "int", "ϕ": "phi", "ϵ": "epsilon",
}  # fmt: skip
_SINGLE = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "÷": "/", "⁄": "/", "∕": "/", "。": ".", "、": ",",
    "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"', "【": "", "】": "", "°": "^{\\circ}", "º": "^{\\circ}",
    # What is left of \f and \b when LaTeX went through a string literal that was not raw.
    "\f": "\\f", "\b": "\\b", "\t": " ", "\n": " ", "\r": " ", "\v": " ",
}  # fmt: skip

_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", "0123456789+-=()ni")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", "0123456789+-=()")
_RAISED_RUN = lazy("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ]+")
_LOWERED_RUN = lazy("[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎]+")
_ROOT_OF_NUMBER = lazy(r"√\s{0,9}(\d+(?:\.\d+)?)")
#: A range, not a difference.
_DASH_BETWEEN_NUMBERS = lazy(r"(?<=\d)\s?[–—]\s?(?=\d)")
_PLAIN = lazy(r"[ -~]*")


def _greek(character: str) -> str | None:
    place = ord(character.lower()[0]) - ord("α")  # of one character two may become: `İ`
    if not 0 <= place < len(_GREEK) or not character.isalpha():
        return "\\sigma " if character == "ς" else None
    if _GREEK[place] == ".":
        return "\\sigma "
    name = _GREEK[place]
    return f"\\{name if character.islower() else name.capitalize()} "


def _replacement(character: str) -> str:
    if character in _SINGLE:
        return _SINGLE[character]
    if character in _COMMANDS:
        return f"\\{_COMMANDS[character]} "
    category = unicodedata.category(character)
    if category == "Cf":
        return ""  # zero-width and direction marks: nothing that a reader sees
    if category == "Cc" or category.startswith("Z"):
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(character))
    parts = unicodedata.decomposition(character).split()
    if parts and parts[0] == "<fraction>":
        above, _, below = unicodedata.normalize("NFKC", character).partition("⁄")
        return f"\\frac{{{above}}}{{{below}}}"
    if parts and parts[0] in ("<wide>", "<narrow>", "<font>", "<compat>"):
        return clean_characters(unicodedata.normalize("NFKC", character))
    return _greek(character) or character


class _Table(dict[int, str]):
    """Looks a character up once; bounded, since hostile text may hold every character there is."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        found = character if _PLAIN.fullmatch(character) else _replacement(character)
        if len(self) < 4096:
            self[code] = found
        return found


_TABLE = _Table()


def clean_characters(text: str) -> str:
    """`text` with visible meaning kept and typography gone; plain ASCII passes unchanged. Linear time."""
    if _PLAIN.fullmatch(text):
        return text
    text = _DASH_BETWEEN_NUMBERS.sub(r"\\text{ to }", text)
    text = _ROOT_OF_NUMBER.sub(r"√{\1}", text)
    text = _RAISED_RUN.sub(lambda run: f"^{{{run[0].translate(_RAISED)}}}", text)
    text = _LOWERED_RUN.sub(lambda run: f"_{{{run[0].translate(_LOWERED)}}}", text)
    return text.translate(_TABLE)
