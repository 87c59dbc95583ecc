"""Formulas of hostile texts as MathML where it can be had, escaped source elsewhere."""

from __future__ import annotations

import re

import pytest
from omr.report.mathml import MAX_FORMULA_CHARS, formula_html


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


def test_short_arguments_are_read_as_tex_does() -> None:
    assert formula_html(r"\binom42") == formula_html(r"\binom{4}{2}")
    assert formula_html(r"\frac1{23}") == formula_html(r"\frac{1}{23}")


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


@pytest.mark.parametrize(
    ("formula", "signs"),
    [
        (r"\{-13,-3,-1,9\}", "ppp"),
        (r"x=-1", "p"),
        (r"(-1,+2)", "pp"),
        (r"a-b", "i"),
        (r"f(x)-1", "i"),
        (r"x^2-1, \quad -y", "ip"),
        (r"n!-1", "i"),
        (r"2\cdot-3", "p"),
        (r"a\to-\infty", "p"),
        (r"\infty-\infty", "i"),
        (r"1+\dots-2", "ii"),
        (r"|-3|-2", "pi"),
        (r"|x|-|-y|", "ip"),
        (r"a_{n}-f'-1", "ii"),
        (r"\sum_{i}-x", "p"),
        (r"\pm1,\pm2", "ip"),
        (r"x\pm1", "i"),
        (r"3--2", "ip"),
        (r"\lfloor-2\rfloor-1", "pi"),
        (r"a \, - b", "i"),
    ],
)
def test_a_sign_belongs_to_what_follows_it_unless_something_stands_before_it(formula: str, signs: str) -> None:
    found = re.findall(r"<mo([^>]*)>[+−±]</mo>", formula_html(formula))
    # Browsers take the first of a row for a prefix by themselves.
    told = "".join("p" if 'form="prefix"' in attributes else "i" for attributes in found)
    assert told == signs
