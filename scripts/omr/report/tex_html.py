r"""Text with LaTeX as HTML that needs nothing from anywhere: formulas become MathML, which browsers draw by themselves.

Everything in the text is hostile. The converter's tree is copied element by element from a list of harmless ones and
escaped here: its own printing undoes escapes, and `\href`, `\style`, `\class` would reach the page. A formula that it
cannot convert is shown as its escaped source.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from latex2mathml import exceptions
from latex2mathml.converter import Converter

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

#: Longer or deeper formulas are shown as source: no text may hang the report.
MAX_FORMULA_CHARS = 2000
_MAX_DEPTH = 24
_ENVIRONMENTS = (
    r"align\*?|aligned|alignat\*?|gather\*?|gathered|equation\*?|multline\*?|eqnarray\*?|cases|array|[bpvBV]?matrix"
)
_OPENING = re.compile(r"\\(?:boxed|fbox) *\{|\\.|\$\$?|" + rf"\\begin\{{(?:{_ENVIRONMENTS})\}}", re.S)
_ENVIRONMENT = re.compile(rf"\\begin\{{({_ENVIRONMENTS})\}}")
#: Definitions could grow without end; the others put foreign attributes on a page.
_REFUSED = re.compile(
    r"\\(?:newcommand|renewcommand|providecommand|def|let|gdef|edef|href|url|style|class|cssId|require)(?![A-Za-z])"
)
_ELEMENTS = frozenset(
    re.findall(
        r"[a-z]+",
        "math mrow mi mo mn ms mtext mspace msup msub msubsup mfrac msqrt mroot mtable mtr mtd mover munder "
        "munderover mstyle mpadded mphantom menclose mmultiscripts mprescripts none merror",
    )
)
_ATTRIBUTES = frozenset(
    re.findall(
        r"[a-z]+",
        "display displaystyle mathvariant stretchy fence separator form lspace rspace movablelimits accent "
        "accentunder largeop symmetric linethickness columnalign columnspacing rowspacing columnlines rowlines "
        "scriptlevel minsize maxsize width height depth notation",
    )
)
_VALUE = re.compile(r"[A-Za-z0-9.%+ -]{0,60}")
#: How many parts these elements have; with fewer, the formula was misread.
_PARTS = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mroot": 2, "mover": 2, "munder": 2, "munderover": 3}
_SHORT_ARGUMENT = re.compile(r"(\\(?:[dt]?frac|[dt]?binom)) *([0-9A-Za-z]) *(?:([0-9A-Za-z])|(?=\{))")
_UNKNOWN_COMMAND = re.compile(r"\\[A-Za-z]")
#: What the converter raises for LaTeX that it does not understand, and errors of its own.
_FAILURES: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    *(error for error in vars(exceptions).values() if isinstance(error, type) and issubclass(error, Exception)),
)


def text_html(text: str) -> str:
    """A text with formulas between `$`, `$$`, `\\(`, `\\[` or in an environment, as HTML with line breaks kept."""
    pieces = []
    start = position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        found = _formula(text, opening)
        if found is None:
            position = opening.end()
            continue
        formula, end, display = found
        pieces += [_plain(text[start : opening.start()]), formula_html(formula, display)]
        start = position = end
    return "".join(pieces) + _plain(text[start:])


def _plain(text: str) -> str:
    return html.escape(text)


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


def answer_html(answer: str) -> str:
    """A final answer, which stands for itself: a formula where it has LaTeX in it."""
    return formula_html(answer) if re.search(r"[\\^_]", answer) and "$" not in answer else text_html(answer)


def _is_inline(formula: str) -> bool:
    """Whether what stands between two single dollar signs is a formula and not, say, prose between two prices."""
    return bool(formula.strip()) and "\n\n" not in formula


def formula_html(formula: str, display: bool = False) -> str:
    """A formula as MathML, or as its escaped source where that cannot be had."""
    markup = _mathml(formula, display)
    if markup is not None:
        return markup
    shown = f"$${formula}$$" if display else f"${formula}$"
    return f'<code class="tex">{html.escape(shown)}</code>'


def _mathml(formula: str, display: bool) -> str | None:
    if len(formula) > MAX_FORMULA_CHARS or _REFUSED.search(formula) or _depth(formula) > _MAX_DEPTH:
        return None
    try:
        tree = Converter(display="block" if display else "inline").convert_to_element(_spelled(formula))
    except _FAILURES:
        return None
    return _copied(tree)


def _spelled(formula: str) -> str:
    r"""The formula in spellings that the converter reads: `\frac12` means `\frac{1}{2}`."""
    spelled = _SHORT_ARGUMENT.sub(lambda m: f"{m[1]}{{{m[2]}}}" + (f"{{{m[3]}}}" if m[3] else ""), formula)
    return spelled.replace(r"\fbox", r"\boxed")


def _depth(formula: str) -> int:
    """How deep braces nest, and at least how many `\\left` and `\\begin` are open."""
    depth = deepest = 0
    for token in re.finditer(r"\\(?:left|right|begin|end)(?![A-Za-z])|\\.|[{}]", formula):
        if token.group() in ("{", r"\left", r"\begin"):
            depth += 1
        elif token.group() in ("}", r"\right", r"\end"):
            depth -= 1
        deepest = max(deepest, depth)
    return deepest


def _copied(element: Element) -> str | None:
    """Markup of a tree; None if it holds an element that is not on the list or what the converter did not know."""
    if element.tag not in _ELEMENTS or len(element) < _PARTS.get(element.tag, 0):
        return None
    text = html.unescape(element.text or "")
    children = [_copied(child) for child in element]
    if None in children or _UNKNOWN_COMMAND.search(text):
        return None
    content = html.escape(text) + "".join(filter(None, children))
    if element.tag == "menclose":
        # Browsers draw no enclosures; the page's style draws this one.
        return f'<mrow class="box">{content}</mrow>'
    attributes = "".join(
        f' {name}="{html.escape(value)}"'
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    return f"<{element.tag}{attributes}>{content}</{element.tag}>"
