from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.threads.stackexchange import AnswerFields, best_first, fault_of_answers, plain_text

FIELDS = AnswerFields()


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<p>Find $x_1*y_2$ &amp; $a^*_b$.</p>", "Find $x_1*y_2$ & $a^*_b$."),
        ("<p>One</p>\n\n<p>Two<br>lines</p>", "One\n\nTwo  \nlines"),
        ("<p>If $a &lt; b$ and $b&gt;c$</p>", "If $a < b$ and $b>c$"),
        ("<p>If $a<b$ and 1 < 2 or a<b</p>", "If $a<b$ and 1 < 2 or a<b"),
        ("<p>$$\\begin{align} x &amp;= 1\\\\ y &amp;= 2 \\end{align}$$</p>", "$$\\begin{align} x &= 1\\\\ y &= 2 \\end{align}$$"),
        ("<p>$x<br>y$</p>", "$x\ny$"),
        ("<ul>\n<li>first</li>\n<li>$n!$</li>\n</ul>", "- first\n- $n!$"),
        ("<p>See <a href='https://example.org'>this</a> and <img alt='a figure' src='x.png'></p>", "See this and"),
        ("<blockquote><p>Prove it.</p></blockquote><p>Please</p>", "Prove it.\n\nPlease"),
        ("<p>a <em>simple</em> <strong>case</strong>, 2 * 3 * 4, snake_case_name</p>", "a simple case, 2 * 3 * 4, snake_case_name"),
        ("<span class=\"math-container\">$5$</span> apples", "$5$ apples"),
        ("no tags, $a &lt; b$ &amp; so on", "no tags, $a < b$ & so on"),
        ("two\nlines without tags\n\nand $a<b$", "two\nlines without tags\n\nand $a<b$"),
        ("<p>\\(p\\)-adic \\[x=1\\]</p>", "\\(p\\)-adic \\[x=1\\]"),
        ("<p>5 \\$ and \\$6</p>", "5 \\$ and \\$6"),
        ("<p>2<sup>10</sup> - x<sub>n+1</sub><sup>2</sup></p>", "2^{10} - x_{n+1}^{2}"),
        ("<p>2<sup>3<sup><i>k</i></sup></sup>, e<sup>$x$</sup></p>", "2^{3^{k}}, e^{$x$}"),
        ("<p>x &lt;sup&gt; \ue002 y</p>", "x <sup> y"),
        ("<script>alert(1)</script>x", "<script>alert(1)</script>x"),
        ("", ""),
    ],
)  # fmt: skip
def test_html_becomes_text_and_formulas_stay_as_they_are(markup: str, plain: str) -> None:
    assert plain_text(markup) == plain


@given(
    st.lists(
        st.sampled_from(
            ["<p>", "</p>", "$", "<", ">", "&lt;", "a", "\\(", "\\)", "<li>", "_", "*", "\ue000", "\ue0001\ue001"]
        ),
        max_size=30,
    )
)
def test_any_markup_becomes_some_text(parts: list[str]) -> None:
    assert "<p>" not in plain_text("".join(parts))


def test_the_selected_answer_comes_first_then_the_greater_score_then_the_order() -> None:
    answers = [
        {"text": "a", "selected": False, "pm_score": 1},
        {"text": "b", "selected": False, "pm_score": 4, "author": "bea"},
        {"text": "c", "selected": True, "pm_score": -1, "author": " "},
        {"text": "d", "selected": None, "pm_score": 4},
        {"text": "e", "pm_score": math.nan},
        {"text": None, "pm_score": "3"},
    ]
    assert [answer.text for answer in best_first(answers, FIELDS)] == ["c", "b", "d", "a", "e", ""]
    assert [answer.author for answer in best_first(answers, FIELDS)][:2] == [None, "bea"]
    assert best_first(None, FIELDS) == []


def test_fields_of_answers_may_have_other_names() -> None:
    answers = [{"body": "a", "score": 1}, {"body": "b", "score": 2, "accepted": "True"}, {"body": "c", "score": 9}]
    fields = AnswerFields("body", "accepted", "score", "owner")
    assert [answer.text for answer in best_first(answers, fields)] == ["b", "c", "a"]


@pytest.mark.parametrize(("value", "what"), [("x", "list of answers"), (["x"], "objects"), ([{"text": 3}], "is text")])
def test_what_is_no_list_of_answers_is_told(value: object, what: str) -> None:
    assert what in str(fault_of_answers(value, FIELDS))
    assert fault_of_answers(None, FIELDS) is None
    assert fault_of_answers([{"text": "a"}, {}], FIELDS) is None


def test_tags_within_thousands_of_tags_are_taken_out() -> None:
    assert plain_text("<div>" * 5000 + "Find $a&lt;b$ &amp; c" + "</div>" * 5000) == "Find $a<b$ & c"
