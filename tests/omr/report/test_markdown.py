"""Markdown of hostile texts as HTML: emphasis, lists, tables, code; formulas drawn; nothing of theirs as markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape
from omr.report.markdown import markdown_html

_TAG = re.compile(
    r"</?(?:math|m[a-z]+|none|code|p|em|strong|s|ul|ol|li|br|hr|pre|blockquote|table|thead|tbody|tr|th|td|span)"
    r"(?: [a-z]+=(?:\"[A-Za-z0-9.%+:; -]*\"|[a-z]+))* ?/?>"
)
_PIECES = [
    "$", "$$", "\\", "*", "**", "_", "`", "```", "~~~", "\n", "\n\n", "- ", "1. ", "# ", "> ", "|", "|-|-|", "    ",
    "<b>", "<script>", "&lt;", "&#60;", "[x](javascript:a)", "![x](http://a)", "<http://a>", "[x]: http://a", "\\(x\\)",
    "\ue000", "\ue0000\ue001", "\ue002", "\x00", "x", "'", '"',
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=30).map("".join))
@settings(max_examples=150, deadline=None)
def test_nothing_but_listed_elements_is_markup(text: str) -> None:
    assert not re.search(r"[<>\"']", _TAG.sub("", markdown_html(text)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **b** c", "<strong>b</strong>"),
        ("*b*", "<em>b</em>"),
        ("- a\n- b", "<li>a</li>\n<li>b</li>"),
        ("3. a", '<ol start="3">\n<li>a</li>'),
        ("`x<y`", "<code>x&lt;y</code>"),
        ("```python\nx < $y$\n```", "<pre class=code>x &lt; $y$\n</pre>"),
        ("|a|b|\n|-|-|\n|$|x|$|2|", '<td><math display="inline"><mrow><mo stretchy="false">|</mo>'),
        ("one\ntwo", "one<br />\ntwo"),
        ("## Step", "<p class=heading>Step</p>"),
        ("Step\n---\nx", "<hr />"),
        ("> a", "<blockquote>\n<p>a</p>"),
    ],
)
def test_what_models_write_is_shown_as_meant(text: str, shown: str) -> None:
    assert shown in markdown_html(text)


@pytest.mark.parametrize(
    "text",
    [
        "1/(1*3) + 1/(3*5) + 1/(5*7)",
        "2*7*5*cos 120",
        "2*(3*4)*5",
        "x*y*z",
        "f(x)*g(x)*h(x)",
        "(a)*b*(c)",
        "3**2**4",
        "(a+b)**2 - (c+d)**2",
        "a * b * c",
        "5*-3*2",
        "2*x_1*y_2 and x_1_2",
        "the *n*th, and n*th",
        "$a$*$b$*$c$",
        "a*=2, b*=3",
        "[x]*2*[y]",
        "|a|*|b|*|c|",
        "|x|*2 + 3*|y|",
        "by (*) and (**), hence (*)",
        "(*): x = 1, [*]: y = 2",
        "the optimum x* is y*",
    ],
)
def test_what_multiplies_is_no_emphasis(text: str) -> None:
    page = markdown_html(text)
    assert "<em>" not in page
    assert "<strong>" not in page
    assert page.count("*") == text.count("*")
    assert "$" in text or page == f"<p>{escape(text)}</p>\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Thus *two* ways.", "<em>two</em>"),
        ("Thus (*two*) ways", "(<em>two</em>)"),
        ("**Step 1:** go on", "<strong>Step 1:</strong> go on"),
        ("the answer **$x$**.", "<strong><math"),
        ("_so_, and __that__!", "<em>so</em>, and <strong>that</strong>!"),
        ("***both***", "<em><strong>both</strong></em>"),
        ("答案**是**二", "<strong>是</strong>"),
        ("**3*4** is *12*", "<strong>3*4</strong> is <em>12</em>"),
        ("~~*no*~~", "<s><em>no</em></s>"),
        ("|a|\n|-|\n|*b*|", "<td><em>b</em></td>"),
        ("*(see above)*, and **(a)** too", "<em>(see above)</em>, and <strong>(a)</strong> too"),
        ("(**Note.** *x*)", "(<strong>Note.</strong> <em>x</em>)"),
    ],
)
def test_what_is_meant_as_emphasis_is_emphasis(text: str, shown: str) -> None:
    assert shown in markdown_html(text)


def test_formulas_are_no_markdown() -> None:
    assert "<em>" not in markdown_html("$a_1 * b$ and $c_1 * d$")
    page = markdown_html("\\[\nx = 3\n- 4\n+ 5\n\\]")
    assert "<li>" not in page
    assert page.count("<math") == 1


def test_formulas_in_code_stay_as_written() -> None:
    assert "<code>$x^2$</code>" in markdown_html("`$x^2$`")
    assert "<code>\\(x\\)</code>" in markdown_html("`\\(x\\)`")


def test_indented_text_is_text() -> None:
    assert "<pre" not in markdown_html("    Let $x=1$.\n\n\tThen **so**.")


@pytest.mark.parametrize("text", ["[a](http://b)", "![a](http://b)", "<http://b>", "[a]: http://b\n\n[a]", "http://b"])
def test_no_text_becomes_a_link(text: str) -> None:
    page = markdown_html(text)
    assert not re.search("href|src|<a|<img", page)
    assert "http://b" in page


def test_signs_that_stand_for_formulas_cannot_be_forged() -> None:
    assert markdown_html("\ue0000\ue001 $x$ \ue0007\ue001").count("<math") == 1


@pytest.mark.parametrize("text", ["> " * 3000, "- " * 3000, "*a" * 3000, "[" * 6000, "`" * 3000 + "a", "|a" * 3000])
def test_deep_and_broken_texts_come_to_an_end_and_stay_small(text: str) -> None:
    assert len(markdown_html(text)) < 20 * len(text)


@pytest.mark.parametrize("text", ["a\n$$x$$\nb", "a\n\\[x\\]\nb", "$$x$$\nb", "a $$x$$ b"])
def test_a_displayed_formula_has_no_empty_line_beside_it(text: str) -> None:
    assert "<br" not in markdown_html(text)


def test_a_list_goes_on_behind_a_displayed_formula() -> None:
    assert markdown_html("- a\n  $$x$$\n- b").count("<li>") == 2
