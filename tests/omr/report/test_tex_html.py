"""LaTeX in hostile text as HTML: formulas where they can be had, escaped source elsewhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.report.tex_html import MAX_FORMULA_CHARS, answer_html, formula_html, text_html

_TAG = re.compile(r"</?(?:math|m[a-z]+|none|code)(?: [a-z]+=\"[A-Za-z0-9.%+ -]*\")*>")
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


@pytest.mark.parametrize(
    "formula",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\style{color:red}{x}",
        r"\newcommand{\a}{\a\a}\a",
        r"\unknown{x}",
        r"\frac{1}",
        "x^",
        "{" * 200 + "}" * 200,
        "x+" * MAX_FORMULA_CHARS,
    ],
)
def test_what_cannot_be_drawn_safely_is_shown_as_source(formula: str) -> None:
    assert formula_html(formula).startswith('<code class="tex">')


def test_prices_are_no_formulas() -> None:
    assert text_html(r"It costs \$5, not $6.") == r"It costs \$5, not $6."


def test_short_arguments_are_read_as_tex_does() -> None:
    assert formula_html(r"\binom42") == formula_html(r"\binom{4}{2}")
    assert formula_html(r"\frac1{23}") == formula_html(r"\frac{1}{23}")


def test_an_answer_is_a_formula_only_if_it_looks_like_one() -> None:
    assert answer_html("Friday") == "Friday"
    assert "<mfrac>" in answer_html(r"\frac{3}{4}")


def test_a_sign_in_braces_is_set_as_a_letter() -> None:
    assert '<mo lspace="0" rspace="0">,</mo>' in formula_html("3{,}6")
    assert "lspace" not in formula_html("f(3,6)")


@pytest.mark.parametrize(
    ("formula", "classes"),
    [
        (r"\left(\frac12\right)", ["open paren", "close paren"]),
        (r"\left[\frac12,1\right)", ["open bracket", "close paren"]),
        (r"\left.\frac12\right|_0", ["close stroke"]),
        (r"\left\{\begin{array}{l}1\\2\end{array}\right.", ["open brace"]),
        (r"\begin{cases}1\\2\end{cases}", ["open brace"]),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", ["open paren", "close paren"]),
        (r"\begin{vmatrix}1\\2\end{vmatrix}", ["open stroke", "close stroke"]),
        (r"\binom nk", ["open paren", "close paren"]),
        (r"\Bigl[\frac12\Bigr]", ["open bracket", "close bracket"]),
        (r"\left\lfloor\frac n2\right\rfloor", ["open floor", "close floor"]),
        (r"\left(\left[\frac12\right]\right)", ["open paren", "close paren", "open bracket", "close bracket"]),
        (r"\left(x\right)", []),
        (r"(\frac12)", []),
        (r"|\frac12|", []),
        (r"\left\langle\frac12\right\rangle", []),
    ],
)
def test_brackets_that_grow_are_drawn_by_the_style(formula: str, classes: list[str]) -> None:
    markup = formula_html(formula)
    assert re.findall('class="([^"]*)"', markup) == classes
    assert "<mo" not in markup or not classes or not re.search(r"<mo[^>]*>[(\[]</mo>", markup)


def test_brackets_that_do_not_grow_in_latex_do_not_in_the_page() -> None:
    assert '<mo stretchy="false">(</mo>' in formula_html(r"(\frac12)")
    assert '<mo stretchy="false">∣</mo>' in formula_html(r"\frac12 \mid x")
    assert '<mo stretchy="false">(</mo>' in formula_html(r"\frac12 \pmod 7")


def test_a_line_above_is_as_wide_as_what_is_below() -> None:
    assert formula_html(r"\overline{AB}").count('<mrow class="overline"><mrow><mi>A</mi><mi>B</mi></mrow></mrow>') == 1
