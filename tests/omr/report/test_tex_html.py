"""LaTeX in hostile text as HTML: formulas where they can be had, escaped source elsewhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.report.tex_html import answer_html, text_html

_TAG = re.compile(r"</?(?:math|m[a-z]+|none|code|span)(?: [a-z]+=\"[A-Za-z0-9.%+ -]*\")*>")
_PIECES = [
    "$",
    "$$",
    "\\",
    "{",
    "}",
    "\\frac",
    "\\text{",
    "<b>",
    "&lt;",
    "\\href{",
    "\\begin{align}",
    "\\left(",
    "^",
    "_",
    "x",
    "'",
    '"',
]


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=30).map("".join))
@settings(max_examples=100, deadline=None)
def test_nothing_but_listed_elements_is_markup(text: str) -> None:
    assert not re.search(r"[<>\"']", _TAG.sub("", text_html(text)))


@pytest.mark.parametrize(
    "text", ["$x^2$", "$$x^2$$", r"\(x^2\)", r"\[x^2\]", r"\begin{align*}x^2\end{align*}", r"\boxed{x^2}"]
)
def test_every_delimiter_is_known(text: str) -> None:
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in text_html(text)


def test_prices_are_no_formulas() -> None:
    assert text_html(r"It costs \$5, not $6.") == r"It costs \$5, not $6."


def test_an_answer_is_a_formula_only_if_it_looks_like_one() -> None:
    assert answer_html("Friday") == "Friday"
    assert "<mfrac>" in answer_html(r"\frac{3}{4}")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("so $x$.", ["$x$."]),
        (r"so \boxed{3}.", [r"\boxed{3}."]),
        ("($x$, $y$)", ["($x$,", "$y$)"]),
        ("the $n$-th one", ["$n$-th"]),
        ("$x$ and $$y$$.", []),
        ("$x$<b>", []),
        (r"so $\unknown{x}$.", []),
    ],
)
def test_what_stands_beside_a_formula_stays_on_its_line(text: str, pieces: list[str]) -> None:
    spans = re.findall(r'<span class="together">.*?</span>', text_html(text))
    assert spans == [text_html(piece) for piece in pieces]


def test_what_follows_a_formula_without_a_blank_can_still_be_broken() -> None:
    assert len(re.findall('<span class="together">.*?</math>(.*?)</span>', text_html("$x$" + "a" * 500))[0]) < 10
