r"""A formula in LaTeX as MathML, which browsers draw by themselves.

The formula is hostile. The converter's tree is copied element by element from a list of harmless ones and escaped here:
its own printing undoes escapes, and `\href`, `\style`, `\class` would reach the page. A formula that it cannot convert
is shown as its escaped source.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from latex2mathml import exceptions
from latex2mathml.converter import Converter
from markupsafe import Markup

from omr.report.signs import mark_signs

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

#: Longer or deeper formulas are shown as source: no text may hang the report.
MAX_FORMULA_CHARS = 2000
_MAX_DEPTH = 24
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
#: Signs that browsers stretch to the height of their row, unless told not to.
_FENCES = frozenset("()[]{}|‖∣∥⌊⌋⌈⌉⟨⟩⟮⟯/\\")
#: Brackets that the page's style draws as high as what they hold: browsers need a font for mathematics to do so, which
#: many machines lack.
_DRAWN = {
    "(": "paren", ")": "paren", "[": "bracket", "]": "bracket", "{": "brace", "}": "brace",
    "|": "stroke", "∣": "stroke", "⌊": "floor", "⌋": "floor", "⌈": "ceil", "⌉": "ceil", "": "",
}  # fmt: skip
_CLOSING = {")": "(", "]": "[", "}": "{", "|": "|", "⌋": "⌊", "⌉": "⌈"}
_OPENING_SIGNS = frozenset(_CLOSING.values())
#: What is higher than a letter.
_TALL = ("mfrac", "mtable", "munder", "munderover", "mroot")
_OVERLINES = ("―", "¯", "‾")
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


def formula_html(formula: str, display: bool = False) -> Markup:
    """A formula as MathML, or as its escaped source where that cannot be had."""
    markup = _mathml(formula, display)
    if markup is not None:
        return Markup(markup)
    shown = f"$${formula}$$" if display else f"${formula}$"
    return Markup(f'<code class="tex">{html.escape(shown)}</code>')


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
    if element.tag == "mrow" and len(element) == 1 and element[0].tag == "mo":
        # TeX sets a sign in braces of its own as a letter: 3{,}6 is a number, not a list.
        element[0].attrib |= {"lspace": "0", "rspace": "0"}
    mark_signs(element)
    opening, inner, closing = _fenced(element)
    text = _text(element)
    children = [_copied(child) for child in inner]
    if None in children or _UNKNOWN_COMMAND.search(text):
        return None
    content = html.escape(text) + "".join(filter(None, children))
    # Browsers draw no enclosures; the page's style draws this one.
    if element.tag == "menclose":
        return f'<mrow class="box">{content}</mrow>'
    if element.tag == "mover" and _text(element[1]) in _OVERLINES:
        return f'<mrow class="overline">{children[0]}</mrow>'
    attributes = "".join(
        f' {name}="{html.escape(value)}"'
        for name, value in (element.attrib | _spacing(element, text)).items()
        if name in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    copied = f"<{element.tag}{attributes}>{content}</{element.tag}>"
    for side, kind in (("close", closing), ("open", opening)):
        copied = f'<mrow class="{side} {kind}">{copied}</mrow>' if kind else copied
    return copied


def _fenced(element: Element) -> tuple[str, list[Element], str]:
    """(kind of the opening bracket, what stands between, kind of the closing one) of a row that the style puts in
    brackets; kinds are empty where it does not, and then all parts stand between."""
    parts = _grouped(element)
    if element.tag != "mrow" or not _is_tall(element):
        return "", parts, ""
    opening = closing = ""
    if _is_fence(parts[0], "prefix"):
        opening = _DRAWN[_text(parts.pop(0))]
    if parts and _is_fence(parts[-1], "postfix"):
        closing = _DRAWN[_text(parts.pop())]
    return opening, parts, closing


def _is_tall(element: Element) -> bool:
    """Whether anything in an element is higher than a letter."""
    return any(part.tag in _TALL for part in element.iter())


def _is_fence(element: Element, form: str) -> bool:
    """Whether an element is a bracket that grows with its row, and that the style can draw."""
    grows = element.tag == "mo" and element.get("stretchy") == "true" and element.get("form") == form
    return grows and _text(element) in _DRAWN


def _grouped(element: Element) -> list[Element]:
    r"""The parts of an element; brackets that grow without `\left` and `\right` (those of matrices and binomials, and
    `\big` ones) become a row with what they hold, as those are."""
    parts: list[Element] = []
    open_at: list[int] = []
    for part in element:
        sign = _text(part) if part.tag == "mo" and part.get("form") is None and part.get("stretchy") != "false" else ""
        parts.append(part)
        if sign in _CLOSING and open_at and _CLOSING[sign] == _text(parts[open_at[-1]]):
            start = open_at.pop()
            row = ElementTree.Element("mrow")
            row.extend(parts[start:])
            if not _is_tall(row):
                continue
            for bracket, form in ((row[0], "prefix"), (row[-1], "postfix")):
                bracket.attrib |= {"stretchy": "true", "form": form}
            parts[start:] = [row]
        elif sign in _OPENING_SIGNS:
            open_at.append(len(parts) - 1)
    return parts


def _text(element: Element) -> str:
    """The text of an element, which the converter has as entities."""
    return html.unescape(element.text or "")


def _spacing(element: Element, text: str) -> dict[str, str]:
    r"""Brackets grow with what is beside them only where LaTeX says so, by `\left`, `\big` and the like; in MathML they
    do by themselves."""
    grows = {"stretchy", "minsize", "maxsize"} & set(element.attrib)
    return {"stretchy": "false"} if element.tag == "mo" and text in _FENCES and not grows else {}
