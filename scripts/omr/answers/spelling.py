r"""One canonical spelling for the many ways of typing the same answer: `$\dfrac12$`, `\frac{1}{2}.`, `\frac 1 2`.

Spelling only: `1/2` and `0.5` stay different here, and so do `10` and `10\%`; omr.answers.equivalence knows better.
"""

from __future__ import annotations

from functools import lru_cache

from omr.answers.tokens import Kind, Token, scan
from omr.answers.vocabulary import UNIT_LETTERS, UPRIGHT_FUNCTIONS
from omr.files.patterns import lazy

#: Longer answers are compared as strings only: no answer is that long, and what grows with length stays bounded.
MAX_ANSWER_CHARS = 4096

#: What may be stripped: a form feed may be what is left of `\\f` in `\\frac`.
BLANKS = " \t\r\n"
_ENDS = ".,;:"
_OPENING = ("(", "[", "\\{", "{")
_CLOSING = (")", "]", "\\}", "}")
_DIGITS = lazy("[0-9]+")
_GROUP_OF_THREE = lazy(r"\d{3}(?:\.\d+)?")
_OPEN, _CLOSE = Token(Kind.MARK, "{"), Token(Kind.MARK, "}")


def normalise_answer(answer: str) -> str:
    r"""The canonical spelling of an answer: equal for answers that differ in typing only, and its own spelling.

    Gone are dollars, `\left`, spaces, fonts, thousands separators, idle zeros, a final dot, `\boxed`; percent is `%`,
    degrees are `^{\circ}`, units stay. Answers of more than `MAX_ANSWER_CHARS` characters are only stripped.
    """
    answer = answer.strip(BLANKS)
    if len(answer) > MAX_ANSWER_CHARS:
        return answer
    return _normalise(answer)


@lru_cache(maxsize=4096)
def _normalise(answer: str) -> str:
    # Most answers are whole numbers.
    return plain_number(answer) if _DIGITS.fullmatch(answer) else spell(tokenise(answer))


def tokenise(answer: str) -> list[Token]:
    """The tokens of an answer, arguments in braces, numerals canonical, nothing idle at either end."""
    return list(_tokens(answer.strip(BLANKS)))


#: What is compared was spelled a moment ago. Few are kept: the tokens of the longest answers take half a megabyte.
@lru_cache(maxsize=64)
def _tokens(answer: str) -> tuple[Token, ...]:
    while len(answer) > 1 and answer[0] == answer[-1] == "*":  # marks of bold print; `A^*` keeps its star
        answer = answer[1:-1]
    tokens = _trim(_brace_arguments(_join_thousands(_with_upright_symbols(scan(answer)))))
    return tuple(_plain(token, tokens[place - 1] if place else None) for place, token in enumerate(tokens))


def _plain(token: Token, before: Token | None) -> Token:
    if token.kind is not Kind.NUMBER:
        return token
    if before is not None and before.is_mark(":") and len(token.text) == 2:
        return token  # minutes: `2:08` is no ratio
    return token._replace(text=plain_number(token.text))


def _with_upright_symbols(tokens: list[Token]) -> list[Token]:
    r"""A lone letter in a text font is a symbol (`2\mathrm{i}`), unless it may be a unit of measure (`2\text{ m}`).

    Names of functions are these functions: `\mathrm{ln}` is `\ln`.
    """
    symbols = []
    for place, token in enumerate(tokens):
        beside = tokens[max(place - 1, 0) : place] + tokens[place + 1 : place + 2]
        alone = len(token.text) == 1 and token.text.isascii() and all(each.kind is not Kind.TEXT for each in beside)
        if token.kind is Kind.TEXT and alone and token.text not in UNIT_LETTERS:
            token = token._replace(kind=Kind.SYMBOL)
        elif token.kind is Kind.TEXT and token.text in UPRIGHT_FUNCTIONS:
            token = token._replace(kind=Kind.COMMAND, text=f"\\{token.text}")
        symbols.append(token)
    return symbols


def plain_number(text: str) -> str:
    """A decimal numeral without idle zeros: `007.50` -> `7.5`, `.5` -> `0.5`, `3.0` -> `3`. Exponents are kept."""
    mantissa, letter, exponent = text.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    plain = f"{whole}.{decimals}" if decimals else whole
    return f"{plain}e{exponent}" if letter else plain


def spell(tokens: list[Token]) -> str:
    """The text of `tokens`, with spaces only where two of them would run together."""
    if tokens and all(token.is_letters for token in tokens):
        return " ".join(token.text for token in tokens)
    parts: list[str] = []
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        parts.append(_gap(before, token))
        if token.kind is not Kind.TEXT:
            parts.append(token.text)
            continue
        opening = "" if before is not None and before.kind is Kind.TEXT else "\\text{"
        parts.append(opening + token.text + ("" if after is not None and after.kind is Kind.TEXT else "}"))
    return "".join(parts)


def _gap(before: Token | None, token: Token) -> str:
    if before is None:
        return ""
    if before.is_mark(","):
        return " "
    wordy = token.is_letters or token.kind is Kind.NUMBER
    if before.kind is Kind.COMMAND:
        return " " if wordy and before.text[-1].isalpha() else ""
    if before.kind is Kind.NUMBER and wordy:
        # `2x` has no space; `12 m` and `3 4` keep theirs, which a reader needs.
        return " " if token.kind is Kind.NUMBER or (token.kind is Kind.WORD and token.spaced) else ""
    return " " if before.is_letters and wordy and (before.kind is Kind.TEXT) == (token.kind is Kind.TEXT) else ""


def _trim(tokens: list[Token]) -> list[Token]:
    """Without punctuation at the ends, and without braces around the whole that hold no list."""
    closes = _partners(tokens)
    listed = any(token.is_mark(",", ";") for token in tokens)
    start, end = 0, len(tokens)
    while True:
        while start < end and tokens[start].is_mark("=", *_ENDS):
            start += 1
        while start < end and tokens[end - 1].is_mark(*_ENDS):
            end -= 1
        if listed or start >= end or not tokens[start].is_mark("{") or closes.get(start) != end - 1:
            return tokens[start:end]
        start, end = start + 1, end - 1


def _partners(tokens: list[Token]) -> dict[int, int]:
    """Where each opening brace is closed."""
    closes: dict[int, int] = {}
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if token.is_mark("{"):
            opened.append(place)
        elif token.is_mark("}") and opened:
            closes[opened.pop()] = place
    return closes


def _join_thousands(tokens: list[Token]) -> list[Token]:
    """`1,234` and `1 234 567` as one number; not `1, 234`, and not inside brackets, where commas part elements."""
    joined: list[Token] = []
    depth, place = 0, 0
    while place < len(tokens):
        token = tokens[place]
        depth += token.is_mark(*_OPENING) - token.is_mark(*_CLOSING)
        place += 1
        if depth <= 0 and _may_lead_groups(token, joined):
            digits = [token.text]
            end = _take_groups(tokens, place, digits)
            if not _goes_on(tokens, place, end):
                place, token = end, token._replace(text="".join(digits))
        joined.append(token)
    return joined


def _may_lead_groups(token: Token, before: list[Token]) -> bool:
    if token.kind is not Kind.NUMBER or len(token.text) > 3 or not token.text.isdigit() or token.text[0] == "0":
        return False
    last = before[-1] if before else None
    return last is None or not (last.is_mark("^", "_") or last.kind is Kind.NUMBER or last.is_command(*_ARGUMENTS))


def _goes_on(tokens: list[Token], start: int, end: int) -> bool:
    """Whether further numerals follow in the same manner: `1,234,56` and `1 234 56` are lists, or nobody knows what."""
    if end >= len(tokens):
        return False
    if not tokens[start].is_mark(","):
        return tokens[end].kind is Kind.NUMBER
    after = tokens[end + 1 : end + 2]
    return tokens[end].is_mark(",") and bool(after) and after[0].kind is Kind.NUMBER and not after[0].spaced


def _take_groups(tokens: list[Token], place: int, digits: list[str]) -> int:
    comma = place < len(tokens) and tokens[place].is_mark(",")
    width = 2 if comma else 1
    while place + width <= len(tokens):
        group = tokens[place + width - 1]
        if comma and (not tokens[place].is_mark(",") or tokens[place].spaced):
            break
        if group.kind is not Kind.NUMBER or group.spaced == comma or not _GROUP_OF_THREE.fullmatch(group.text):
            break
        digits.append(group.text)
        place += width
        if "." in group.text:
            break
    return place


#: Arguments of a command, and how many digits of a bare numeral one of them takes: TeX takes one, and `\sqrt12` may
#: mean either of two numbers, so it is left for the reader to refuse; in exponents everyone means the whole numeral.
_ARGUMENTS = {"\\frac": (2, "digit"), "\\binom": (2, "digit"), "\\sqrt": (1, "one"), "\\overline": (1, "one")}
_ARGUMENTS |= {"\\vec": (1, "one"), "\\hat": (1, "one"), "\\tilde": (1, "one"), "\\dot": (1, "one")}


class _Level:
    """One depth of braces: how many arguments are still to come there, and how numerals are taken."""

    def __init__(self) -> None:
        self.wanted = 0
        self.numerals = "whole"

    def ask(self, token: Token) -> bool:
        """Whether `token` takes arguments; then they are asked for (it may itself be one that was asked for)."""
        if token.is_mark("^", "_"):
            self.wanted, self.numerals = 1, "whole"
            return True
        if token.kind is not Kind.COMMAND or token.text not in _ARGUMENTS:
            return False
        count, self.numerals = _ARGUMENTS[token.text]
        self.wanted = max(self.wanted - 1, 0) + count
        return True


def _brace_arguments(tokens: list[Token]) -> list[Token]:
    r"""Braces around arguments that were typed without them: `\frac12`, `x^2`, `\sqrt3`, `x^-1`; not `\sqrt(x)`."""
    braced: list[Token] = []
    levels = [_Level()]
    pending = tokens[::-1]
    while pending:
        token = pending.pop()
        level = levels[-1]
        if token.is_mark("{"):
            level.wanted = max(level.wanted - 1, 0)
            levels.append(_Level())
        elif token.is_mark("}"):
            levels = levels[:-1] or [_Level()]
        elif level.ask(token):
            if token.text == "\\sqrt" and pending and pending[-1].is_mark("["):
                braced.append(token)
                token = _pass_index(pending, braced)
        elif level.wanted:
            braced.extend(_argument(token, pending, level))
            continue
        braced.append(token)
    return braced


def _pass_index(pending: list[Token], braced: list[Token]) -> Token:
    r"""Move the `[n]` of `\sqrt[n]` over; returns its last token."""
    while len(pending) > 1 and not pending[-1].is_mark("]"):
        braced.append(pending.pop())
    return pending.pop()


def _argument(token: Token, pending: list[Token], level: _Level) -> list[Token]:
    if token.is_mark("-") and level.numerals == "whole" and pending and pending[-1].kind in (Kind.NUMBER, Kind.SYMBOL):
        level.wanted = 0
        return [_OPEN, token, pending.pop()._replace(spaced=False), _CLOSE]
    many = token.kind is Kind.NUMBER and len(token.text) > 1
    if token.kind is Kind.WORD and level.numerals == "digit":
        # TeX takes one letter: `\frac ab` is a over b.
        level.wanted -= 1
        rest = token.text[1:]
        pending.append(Token(Kind.SYMBOL if len(rest) == 1 else Kind.WORD, rest))
        return [_OPEN, Token(Kind.SYMBOL, token.text[0]), _CLOSE]
    if token.kind in (Kind.MARK, Kind.WORD) or (many and level.numerals == "one"):
        level.wanted = 0
        return [token]
    level.wanted -= 1
    if many and level.numerals == "digit":
        pending.append(Token(Kind.NUMBER, token.text[1:]))
        token = token._replace(text=token.text[0])
    return [_OPEN, token._replace(spaced=False), _CLOSE]
