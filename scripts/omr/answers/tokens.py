r"""LaTeX (or plain) text of an answer -> tokens, with everything gone that does not change its meaning.

One pass, linear in the text. Dollars, `\left`, `\displaystyle`, thin spaces and fonts disappear; aliases get one name
(`\dfrac` -> `\frac`, `\ge` -> `\geq`); letters inside `\text{...}` are words, elsewhere variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from omr.answers.characters import clean_characters
from omr.answers.vocabulary import FUNCTIONS
from omr.files.patterns import lazy


class Kind(Enum):
    """What a token is: a letter is a SYMBOL in mathematics, letters are TEXT inside `\\text{}`, a WORD outside."""

    NUMBER = "number"
    SYMBOL = "symbol"
    WORD = "word"
    TEXT = "text"
    COMMAND = "command"
    MARK = "mark"


class Token(NamedTuple):
    """`text` as it is spelled canonically; `spaced`: white space stood before it."""

    kind: Kind
    text: str
    spaced: bool = False

    def is_mark(self, *marks: str) -> bool:
        return self.kind is Kind.MARK and self.text in marks

    def is_command(self, *commands: str) -> bool:
        return self.kind is Kind.COMMAND and self.text in commands

    @property
    def is_letters(self) -> bool:
        return self.kind in (Kind.SYMBOL, Kind.WORD, Kind.TEXT)


_TOKEN = lazy(
    r"(?P<space>(?:\s|~|\\[,;:>!\s])+)"
    r"|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+(?![\w.]))?)"
    r"|(?P<command>\\[A-Za-z]+\*?)"
    r"|(?P<escaped>\\[^A-Za-z\s])"
    r"|(?P<letters>[^\W\d_]+)"
    r"|(?P<mark>\.{2,}|<=|>=|!=|==|=<|\*\*|.)",
    re.DOTALL,
)
_TEXT_LETTERS = lazy(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_GROUP_NAME = lazy(r"\s{0,9}\{\s{0,9}([A-Za-z]{1,20}\*?)\s{0,9}\}")
_COLUMNS = lazy(r"\s{0,9}\{[lcr|\s]{0,40}\}")
_ARGUMENT = lazy(r"\s{0,9}\{[^{}]{0,80}\}")
_OPEN_GROUP = lazy(r"\s{0,9}\{")
_EMPTY_GROUP = lazy(r"\{\s{0,9}\}")
_ONE_LETTER = lazy(r"\s{0,9}([A-Za-z])")

_TEXT_COMMANDS = frozenset(
    str.split(
        r"\text \textbf \textit \textrm \textsf \texttt \textnormal \textup \textsc \emph \mbox \hbox \mathrm \rm"
    )
)
_INVISIBLE = frozenset(
    str.split(
        r"\left \right \middle \big \Big \bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr \displaystyle"
        r" \textstyle \scriptstyle \limits \nolimits \boxed \fbox \mathbf \boldsymbol \bm \mathit \mathsf \mathcal"
        r" \mathscr \mathfrak \bf \it \underline \ensuremath \mathop \hfill \noindent \hline \bold"
    )
)
_BLANKS = frozenset(str.split(r"\quad \qquad \enspace \enskip \thinspace \newline \par \space"))
_SWALLOWS_ARGUMENT = frozenset(str.split(r"\hspace \vspace \phantom \hphantom \vphantom \tag \label \color \kern"))
_ALIASES = {
    "\\dfrac": "\\frac", "\\tfrac": "\\frac", "\\cfrac": "\\frac", "\\dbinom": "\\binom", "\\tbinom": "\\binom",
    "\\le": "\\leq", "\\leqslant": "\\leq", "\\ge": "\\geq", "\\geqslant": "\\geq", "\\ne": "\\neq",
    "\\times": "\\cdot", "\\ast": "\\cdot", "\\varnothing": "\\emptyset",
    "\\R": "\\mathbb{R}", "\\reals": "\\mathbb{R}", "\\Z": "\\mathbb{Z}", "\\N": "\\mathbb{N}", "\\Q": "\\mathbb{Q}",
    "\\mathbbR": "\\mathbb{R}", "\\ldots": "\\dots", "\\cdots": "\\dots", "\\dotsc": "\\dots", "\\dotsb": "\\dots",
    "\\backslash": "\\setminus", "\\bigcup": "\\cup", "\\bigcap": "\\cap", "\\rightarrow": "\\to",
    "\\simeq": "\\approx", "\\doteq": "\\approx", "\\varphi": "\\phi", "\\varepsilon": "\\epsilon",
    "\\tg": "\\tan", "\\ctg": "\\cot", "\\cotg": "\\cot", "\\arctg": "\\arctan", "\\lg": "\\log_10",
    "\\infin": "\\infty", "\\widehat": "\\hat", "\\overrightarrow": "\\vec", "\\bar": "\\overline",
}  # fmt: skip
_TO_MARK = {
    "\\lt": "<", "\\gt": ">", "\\div": "/", "\\lbrace": "\\{", "\\rbrace": "\\}", "\\lvert": "|", "\\rvert": "|",
    "\\vert": "|", "\\mid": "|", "\\colon": ":", "\\percent": "%", "\\lbrack": "[", "\\rbrack": "]",
    "\\lparen": "(", "\\rparen": ")", "\\prime": "'", "\\dollar": "\\$", "\\ratio": ":", "\\cr": "\\\\",
    # An old forum's own names for what its formulas could not hold.
    "\\equal": "=", "\\plus": "+", "\\minus": "-",
}  # fmt: skip
_MARK_ALIASES = {
    "**": "^", "<=": "\\leq", "=<": "\\leq", ">=": "\\geq", "!=": "\\neq", "==": "=", "*": "\\cdot", "\\%": "%",
    "\\|": "|", "\\_": "_", "\\&": "&", "\\#": "#", "\\-": "", "\\/": "", "\\(": "", "\\)": "", "\\[": "",
    "\\]": "", "\\": "", "$": "", "`": "", '"': "", "\\'": "",
}  # fmt: skip
_PERCENT_WORDS = frozenset({"percent", "pct", "percentage", "percents"})
_DEGREE_WORDS = frozenset({"degrees", "degree", "deg"})
_DEGREE = ((Kind.MARK, "^"), (Kind.MARK, "{"), (Kind.COMMAND, "\\circ"), (Kind.MARK, "}"))
_MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "array", "smallmatrix", "Bmatrix"})

#: Between digits these are thousands separators wherever they stand; a bare comma is one only outside brackets.
_THIN_SEPARATOR = r"(?:\s?\{,\s?\}\s?|,\\!\s{0,9}|\\,|\\ |')"
_GROUPED = lazy(rf"(?<![\d.])([1-9]\d{{0,2}})((?:{_THIN_SEPARATOR}\d{{3}})+)(?![\d'\"])")
_SEPARATOR = lazy(_THIN_SEPARATOR)
_DECIMAL_COMMA = lazy(r"(?<=\d)\{,\}(?=\d)")
_DOUBLE_BACKSLASH = lazy(r"\\\\(?=[A-Za-z{}(\[%])")


def scan(text: str) -> list[Token]:
    """The tokens of an answer as typed; never fails. Braces of groups stay, those of text and fonts go."""
    text = clean_characters(text)
    if "\\\\begin" in text or ("\\\\" in text and "\\begin" not in text):
        # Escaped once too often, as a string in JSON is: without a table there are no lines to break.
        text = _DOUBLE_BACKSLASH.sub(r"\\", text)
    text = _DECIMAL_COMMA.sub(".", _GROUPED.sub(lambda found: found[1] + _SEPARATOR.sub("", found[2]), text))
    return list(_Scanner(text))


class _Scanner:
    """Walks the text once; knows which braces belong to `\\text{}`, where letters are words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._spaced = False
        self._groups: list[bool | None] = []  # per open brace: None ordinary, else whether text mode was on before it
        self._in_text = False
        self._quoted = False
        # Beside vectors a cross is no dot.
        self._has_vectors = any(
            command in text for command in ("\\vec", "\\overrightarrow", "\\mathbf", "\\boldsymbol")
        )

    def __iter__(self) -> Iterator[Token]:
        while self._place < len(self._text):
            found = _TOKEN.match(self._text, self._place)
            assert found is not None, "the last alternative takes any character"
            self._place = found.end()
            if found.lastgroup == "space":
                self._spaced = True
                continue
            tokens = getattr(self, f"_{found.lastgroup}")(found[0])
            for kind, text in tokens:
                yield Token(kind, text, self._spaced)
                self._spaced = False

    def _number(self, text: str) -> Iterator[tuple[Kind, str]]:
        yield Kind.NUMBER, text

    def _letters(self, text: str) -> Iterator[tuple[Kind, str]]:
        if self._in_text:
            found = _TEXT_LETTERS.match(self._text, self._place - len(text))
            assert found is not None, "a run of letters was just seen here"
            self._place, text = found.end(), found[0]
        word = text.casefold()
        if word in _PERCENT_WORDS:
            yield Kind.MARK, "%"
        elif word in _DEGREE_WORDS:
            yield from _DEGREE
        elif self._in_text or not text.isascii():
            yield Kind.TEXT, text
        else:
            yield (Kind.SYMBOL if len(text) == 1 else Kind.WORD), text

    def _escaped(self, text: str) -> Iterator[tuple[Kind, str]]:
        yield from self._mark(text)

    def _mark(self, text: str) -> Iterator[tuple[Kind, str]]:
        if text == "{":
            self._groups.append(None)
        elif text == "}" and self._groups:
            before = self._groups.pop()
            if before is not None:
                self._in_text, self._spaced = before, True
                return
        if text == '"' and not self._closes_quotation():
            yield Kind.MARK, text  # inches, or seconds of arc
            return
        text = "\\dots" if text.startswith("..") else _MARK_ALIASES.get(text, text)
        if text.startswith("\\") and text[1:].isalpha():
            yield Kind.COMMAND, text
        elif text:
            yield Kind.MARK, text

    def _closes_quotation(self) -> bool:
        """Whether a quotation mark parts words; behind a digit it does only where one was opened before."""
        measures = not self._quoted and self._text[max(self._place - 2, 0)].isdigit()
        self._quoted = self._quoted != (not measures)
        return not measures

    def _command(self, text: str) -> Iterator[tuple[Kind, str]]:
        text = text.removesuffix("*")
        if text in _TEXT_COMMANDS:
            self._open_text()
        elif text in _BLANKS:
            self._spaced = True
        elif text in _SWALLOWS_ARGUMENT:
            self._skip(_ARGUMENT)
        elif text in ("\\begin", "\\end", "\\operatorname", "\\mathbb", "\\mathds", "\\Bbb"):
            yield from self._named(text)
        elif text == "\\degree":
            yield from _DEGREE
        elif text in _TO_MARK:
            self._skip(_EMPTY_GROUP)
            yield Kind.MARK, _TO_MARK[text]
        elif text == "\\times" and self._has_vectors:
            yield Kind.COMMAND, text
        elif text not in _INVISIBLE:
            yield Kind.COMMAND, _ALIASES.get(text, text)

    def _open_text(self) -> None:
        if self._skip(_OPEN_GROUP):
            self._groups.append(self._in_text)
            self._in_text, self._spaced = True, True

    def _named(self, command: str) -> Iterator[tuple[Kind, str]]:
        name = self._skip(_GROUP_NAME)
        if name is None and command in ("\\mathbb", "\\mathds", "\\Bbb"):
            name = self._skip(_ONE_LETTER)
        if name is None:
            yield Kind.COMMAND, command
            return
        word = name[1].rstrip("*")
        if command == "\\operatorname":
            function = _ALIASES.get(f"\\{word}", f"\\{word}")
            yield Kind.COMMAND, function if function[1:] in FUNCTIONS else f"\\operatorname{{{word}}}"
            return
        if command in ("\\begin", "\\end"):
            if command == "\\begin" and word == "array":
                self._skip(_COLUMNS)
            word = "matrix" if word in _MATRICES else word
        yield Kind.COMMAND, f"{command.replace('mathds', 'mathbb').replace('Bbb', 'mathbb')}{{{word}}}"

    def _skip(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._place)
        if found is not None:
            self._place = found.end()
        return found
