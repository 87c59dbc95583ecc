r"""Text with LaTeX as HTML that needs nothing from anywhere: its formulas are drawn, all else is escaped.

While the rest of a text is read or escaped, places stand for its formulas. A formula and what stands right behind it
stay on one line: browsers break lines beside any drawing, and a full stop would begin the next one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from omr.report.mathml import MAX_FORMULA_CHARS, formula_html

_ENVIRONMENTS = (
    r"align\*?|aligned|alignat\*?|gather\*?|gathered|equation\*?|multline\*?|eqnarray\*?|cases|array|[bpvBV]?matrix"
)
_OPENING = re.compile(r"\\(?:boxed|fbox) *\{|\\.|\$\$?|" + rf"\\begin\{{(?:{_ENVIRONMENTS})\}}", re.S)
_ENVIRONMENT = re.compile(rf"\\begin\{{({_ENVIRONMENTS})\}}")
#: Stand around the number of a formula; what is there of them is taken out of a text.
_OPEN, _CLOSE = "\ue000", "\ue001"
#: Beside a displayed formula, for whoever looks after the lines around it.
DISPLAY = "\ue002"
_NEVER = dict.fromkeys(map(ord, _OPEN + _CLOSE + DISPLAY))
_PLACE = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
#: Of escaped text: no entities, and nothing long, since it could not be broken.
_WITH_ENDS = re.compile(rf"([(\[]{{0,4}}){_PLACE.pattern}([!-%'-;=?-~…’”]{{0,8}})")


class Formula(NamedTuple):
    """A formula in a text: its LaTeX without delimiters, whether it is displayed, and as it stands in the text."""

    tex: str
    display: bool
    source: str


def split_formulas(text: str) -> Iterator[str | Formula]:
    r"""The text in pieces: what is plain, and formulas between `$`, `$$`, `\(`, `\[` or in an environment."""
    start = position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        found = _formula(text, opening)
        if found is None:
            position = opening.end()
            continue
        tex, end, display = found
        yield text[start : opening.start()]
        yield Formula(tex, display, text[opening.start() : end])
        start = position = end
    yield text[start:]


def text_html(text: str) -> Markup:
    """A text with formulas as HTML; all else stays as it is."""
    placed, formulas = take_out(text)
    return Markup(put_back(html.escape(placed), formulas).replace(DISPLAY, ""))


def take_out(text: str) -> tuple[str, list[Formula]]:
    """The text with places where its formulas stood, and these."""
    formulas: list[Formula] = []
    pieces: list[str] = []
    for piece in split_formulas(text.translate(_NEVER)):
        if isinstance(piece, str):
            pieces.append(piece)
        else:
            pieces.append(f"{_OPEN}{len(formulas)}{_CLOSE}")
            formulas.append(piece)
    return "".join(pieces), formulas


def put_back(escaped: str, formulas: Sequence[Formula]) -> str:
    """Escaped text with its formulas drawn; `DISPLAY` stands on both sides of displayed ones."""

    def drawn(found: re.Match[str]) -> str:
        before, number, behind = found.groups()
        one = formulas[int(number)]
        markup = formula_html(one.tex, one.display)
        if one.display:
            return f"{before}{DISPLAY}{markup}{DISPLAY}{behind}"
        joined = f"{before}{markup}{behind}"
        # A formula that is shown as its source may be as long as a paragraph.
        keeps = joined != markup and markup.startswith("<math")
        return f'<span class="together">{joined}</span>' if keeps else joined

    return _WITH_ENDS.sub(drawn, escaped)


def as_written(text: str, formulas: Sequence[Formula]) -> str:
    """The text with its formulas as they stood in it."""
    return _PLACE.sub(lambda found: formulas[int(found[1])].source, text)


def _formula(text: str, opening: re.Match[str]) -> tuple[str, int, bool] | None:
    """(formula, where the text goes on, whether it is displayed) at an opening delimiter; None if it is none."""
    mark, begin = opening.group(), opening.end()
    environment = _ENVIRONMENT.match(text, opening.start())
    if environment is not None:
        closing = f"\\end{{{environment.group(1)}}}"
        end = _find(text, closing, environment.end())
        return None if end is None else (text[opening.start() : end + len(closing)], end + len(closing), True)
    if mark.endswith("{"):
        end = _brace_end(text, begin)
        return None if end is None else (text[opening.start() : end], end, False)
    closings = {"$": "$", "$$": "$$", r"\(": r"\)", r"\[": r"\]"}
    if mark not in closings:
        return None
    end = _find(text, closings[mark], begin)
    if end is None or (mark == "$" and not _is_inline(text[begin:end])):
        return None
    return text[begin:end], end + len(closings[mark]), mark in ("$$", r"\[")


def _find(text: str, closing: str, begin: int) -> int | None:
    """Where the closing delimiter stands, near enough to be one; a dollar sign after a backslash closes nothing."""
    limit = begin + 2 * MAX_FORMULA_CHARS
    end = text.find(closing, begin, limit)
    while closing == "$" and end > 0 and text[end - 1] == "\\":
        end = text.find(closing, end + 1, limit)
    return None if end < 0 else end


def _brace_end(text: str, begin: int) -> int | None:
    """Behind the brace that closes the one before `begin`, near enough."""
    depth = 1
    for token in re.compile(r"\\.|[{}]", re.S).finditer(text, begin, begin + MAX_FORMULA_CHARS):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth == 0:
            return token.end()
    return None


def answer_html(answer: str) -> Markup:
    """A final answer, which stands for itself: a formula where it has LaTeX in it."""
    return formula_html(answer) if re.search(r"[\\^_]", answer) and "$" not in answer else text_html(answer)


def _is_inline(formula: str) -> bool:
    """Whether what stands between two single dollar signs is a formula and not, say, prose between two prices."""
    return bool(formula.strip()) and "\n\n" not in formula
