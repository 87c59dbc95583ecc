"""Problem texts as they are compared with benchmarks: one spelling for what LaTeX and Unicode write in many.

`$x \\le \\dfrac12$` and `\\(x≤\\frac{1}{2}\\)` have equal words here. Everything is linear in the length of the text:
problems are model output, and no input may stall the workflow.
"""

from __future__ import annotations

import re
import unicodedata

from omr.files.patterns import lazy

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "ς": "sigma",
}  # fmt: skip
_SIGNS = {
    "≤": "le", "⩽": "le", "≥": "ge", "⩾": "ge", "≠": "ne", "×": "times", "·": "cdot", "⋅": "cdot", "∙": "cdot",
    "∗": "ast", "∣": "mid", "∤": "nmid", "∃": "exists", "∄": "nexists", "∀": "forall",
    "÷": "div", "⁄": "div", "∕": "div", "√": "sqrt", "∞": "infty", "∠": "angle", "△": "triangle",
    "∈": "in", "∉": "notin", "∪": "cup", "∩": "cap", "⊂": "subset", "⊆": "subseteq", "±": "pm", "→": "to",
    "≡": "equiv", "≈": "approx", "≅": "cong", "∑": "sum", "∏": "prod", "∫": "int", "⌊": "lfloor", "⌋": "rfloor",
    "⌈": "lceil", "⌉": "rceil", "⊥": "perp", "∥": "parallel", "∅": "emptyset",
}  # fmt: skip
_CHARACTERS: dict[int, str] = {ord(sign): f"\\{name} " for sign, name in (_GREEK | _SIGNS).items()}
_CHARACTERS |= {ord(sign): f"^{digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_CHARACTERS |= {ord(sign): f"_{digit}" for digit, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")}
_CHARACTERS |= {ord(sign): "-" for sign in "−–—‐‑‒―"} | {ord("°"): "^\\circ ", ord("ⁿ"): "^n"}
_CHARACTERS |= {ord(sign): "'" for sign in "′’´"} | {ord("”"): '"'}
# Between spaces: `2½` is not `21/2`.
_CHARACTERS |= {ord(sign): f" {unicodedata.normalize('NFKD', sign)} " for sign in "¼½¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}

#: Commands that stand for another spelling; what is not here keeps its own name.
_SAME_AS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom", "leq": "le",
    "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne", "to": "rightarrow", "iff": "leftrightarrow",
    "times": "*", "cdot": "*", "ast": "*", "div": "/", "lvert": "|", "rvert": "|", "vert": "|", "mid": "|",
    "equal": "=", "plus": "+", "minus": "-",
    "varepsilon": "epsilon", "varphi": "phi", "varnothing": "emptyset", "degree": "circ", "land": "wedge",
    "lbrace": "\\{", "rbrace": "\\}", "lt": "<", "gt": ">", "le": "le", "prime": "'",
}  # fmt: skip
#: Commands that change the look only: they go, and so do the braces of their argument.
_LOOKS = frozenset({
    "left", "right", "middle", "big", "bigg", "bigl", "bigr", "bigm", "biggl", "biggr", "displaystyle", "textstyle",
    "scriptstyle", "limits", "nolimits", "quad", "qquad", "text", "textbf", "textit", "textrm", "textsf", "texttt",
    "textnormal", "mathrm", "mathbf", "mathit", "mathsf", "mathtt", "mathbb", "mathcal", "mathscr", "mathfrak",
    "boldsymbol", "bold", "operatorname", "mbox", "hbox", "emph", "rm", "bf", "it", "sf", "tt", "ldots", "cdots",
    "dots", "dotsc", "dotsb", "hspace", "vspace", "hfill", "noindent", "centering", "newline", "par", "item",
    "nonumber", "thinspace", "ensuremath", "phantom",
})  # fmt: skip
_SILENT = frozenset("$.,;:?\"'`“”‘’„«»~&#@\u200b")
#: A run of letters, a number with its thousands and decimals, a command, an escaped sign, or any other sign.
_TOKEN = lazy(
    r"\\[a-z]+|\\.|[^\W\d_]+|[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|[^\s\w]|[\d_]",
    re.DOTALL,
)
_ESCAPED = {"\\%": "%", "\\{": "\\{", "\\}": "\\}", "\\|": "|", "\\_": "_", "\\#": "#"}
_PIECE_CHARACTERS = 1000
_SPLIT_ARGUMENTS = frozenset({"frac", "binom"})


def words(text: str) -> list[str]:
    """The words of a problem: letters, numbers and commands, each with the operators that stand before it.

    Case, white space, dollars, punctuation, sizes, fonts and needless braces are gone; `x+1` and `x-1` still differ.
    """
    found: list[str] = []
    signs = ""
    for token in _tokens(_without_drawings(text)):
        if token[0].isalnum():
            found.append(signs + token)
            signs = ""
        else:
            signs += token
    if signs:
        found.append(signs)
    return found


def normal_text(text: str) -> str:
    """The words with a space between them: equal for problems that differ in spelling only."""
    return " ".join(words(text))


def ngrams(items: list[str], n: int) -> list[str]:
    """All runs of `n` words, in order, with repetitions; none for a text of fewer words."""
    return [" ".join(items[start : start + n]) for start in range(len(items) - n + 1)]


def _without_drawings(text: str) -> str:
    """The text without its `[asy]...[/asy]` drawings, which copies of a problem keep or lose at will."""
    kept, place = [], 0
    while (start := text.find("[asy]", place)) >= 0 and (end := text.find("[/asy]", start)) >= 0:
        kept.append(text[place:start])
        place = end + len("[/asy]")
    rest = " ".join([*kept, text[place:]])
    return rest if rest.strip() else text


def _tokens(text: str) -> list[str]:
    """The tokens that carry meaning, in their one spelling."""
    return plain_tokens(_TOKEN.findall(one_script(text).casefold().replace("{,}", ",")))


def plain_tokens(raw: list[str], *, keep_hyphens: bool = False) -> list[str]:
    """Raw tokens (commands with their backslash) in their one spelling, without those that change the look only.

    A hyphen between two names of letters is a minus too, as in `\\alpha-\\beta`: `keep_hyphens` leaves it there.
    """
    return _Tokens(raw).read(keep_hyphens=keep_hyphens)


def one_script(text: str) -> str:
    """Compatibility characters, signs and the accents of words in their plain form (`ö` is `o`)."""
    if text.isascii():
        return text
    spelled = text.translate(_CHARACTERS)
    # In pieces: putting a long run of accents in canonical order takes quadratic time, and they go anyway.
    pieces = range(0, len(spelled), _PIECE_CHARACTERS)
    plain = "".join(unicodedata.normalize("NFKD", spelled[start : start + _PIECE_CHARACTERS]) for start in pieces)
    return _without_accents(plain.translate(_CHARACTERS))


def _without_accents(text: str) -> str:
    """Text without the marks on letters of words; on digits, signs and single letters they mean something (`0.3̅`), and
    so do those on a space, or on nothing at the beginning (`¯`)."""
    found, place = list[str](), 0
    while place < len(text):
        base = "" if place == 0 and unicodedata.combining(text[0]) else text[place]
        place += len(base)
        start = place
        while place < len(text) and unicodedata.combining(text[place]):
            place += 1
        in_word = base.isalpha() and ((start > 1 and text[start - 2].isalpha()) or text[place : place + 1].isalpha())
        found.append(base if place == start or in_word else f"{base}\\marked ")
    return "".join(found)


class _Tokens:
    """One pass over raw tokens, with a stack for braces."""

    def __init__(self, raw: list[str]) -> None:
        self._raw = raw
        self._out: list[str] = []
        self._braces: list[int | None] = []  # where each open brace lies in `_out`; None if it was left out
        self._after_look = False  # the last token was a command of `_LOOKS`
        self._after_fraction = False

    def read(self, *, keep_hyphens: bool) -> list[str]:
        for token in self._raw:
            after_look, self._after_look = self._after_look, False
            after_fraction, self._after_fraction = self._after_fraction, False
            if token == "{":
                self._open(kept=not after_look)
            elif token == "}":
                self._close()
            elif token[0] == "\\":
                self._command(token)
            elif token[0].isalnum():
                self._out.extend(_arguments(token) if after_fraction else [token.replace(",", "")])
            elif token not in _SILENT and self._is_meant(token):
                self._out.append(token)
        return self._out if keep_hyphens else self._without_hyphens()

    def _open(self, *, kept: bool) -> None:
        self._braces.append(len(self._out) if kept else None)
        if kept:
            self._out.append("{")

    def _close(self) -> None:
        start = self._braces.pop() if self._braces else None
        if start is None:
            return
        if len(self._out) - start <= 2:  # {} or {x}: the braces say nothing, and only the end of the list moves
            del self._out[start]
        else:
            self._out.append("}")

    def _command(self, token: str) -> None:
        name = token[1:]
        if token in _ESCAPED:
            self._out.append(_ESCAPED[token])
        elif name in _LOOKS:
            self._after_look = True
        elif name.isalpha():
            name = _SAME_AS.get(name, name)
            self._after_fraction = name in _SPLIT_ARGUMENTS
            self._out.append(name)

    def _is_meant(self, token: str) -> bool:
        """Whether a sign belongs to the mathematics: `5!` is a factorial, `Find it!` is not."""
        if token != "!":
            return True
        last = self._out[-1] if self._out else ""
        return last == ")" or last[-1:].isdigit() or (len(last) == 1 and last.isalpha())

    def _without_hyphens(self) -> list[str]:
        out = self._out
        return [
            token
            for place, token in enumerate(out)
            if token != "-"
            or not 0 < place < len(out) - 1
            or not (_is_prose(out[place - 1]) and _is_prose(out[place + 1]))
        ]


def _is_prose(token: str) -> bool:
    return len(token) > 1 and token.isalpha()


def _arguments(token: str) -> list[str]:
    """`\\frac12` is a half: of unbraced characters the first two are numerator and denominator."""
    return [part for part in (token[0], token[1:2], token[2:]) if part] if "." not in token else [token]
