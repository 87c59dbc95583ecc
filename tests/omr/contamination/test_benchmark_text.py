"""One spelling for what LaTeX and Unicode write in many, and different words for different problems."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.contamination.benchmark_text import ngrams, normal_text, words


@pytest.mark.parametrize(
    "spellings",
    [
        (r"$x \le \dfrac12$", r"\(x\leq\frac{1}{2}\)", r"X ≤ \tfrac 1 2", "\\[ x\n\\leqslant \\frac{1}2 \\]"),
        (r"$\left( a_{n} \right)^{10}$", "(a_n)^10", r"\bigl(a_{n}\bigr)^{{10}}"),
        ("It costs $1,000.", r"it costs \$1{,}000", "It costs 1000"),
        (r"$90^{\circ}$", "90°", r"90^\circ"),
        (r"$2 \cdot 3 \times 4$", "2·3×4", r"2\times3\cdot4", "2 * 3 * 4"),
        ("a right-angled triangle", "A right angled triangle.", "a right‐angled, triangle"),
        (r"$\alpha + \varepsilon$", "α + ε", "Alpha + epsilon"),
        ("$x^2-1$", "x² − 1", "x^{2} – 1"),
        (r"\text{if } $n$ is even", r"if \(n\) is \emph{even}", "if n is even"),
        ("Hölder and Erdős", "Holder and Erdos", "Ho\u0308lder and Erdo\u030bs"),
        (r"$\{1, 2\}$", r"\left\{ 1,\; 2 \right\}", r"$\lbrace 1,2 \rbrace$"),
        ("Find it!", "Find it."),
        ("ﬁnd １２", "find 12"),
        ("See the figure. [asy] draw((0,0)--(1,1)); [/asy] Find $x$.", "See the figure. Find $x$."),
    ],
)
def test_spellings_of_one_problem_have_equal_words(spellings: tuple[str, ...]) -> None:
    assert len({normal_text(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$x+1$", "$x-1$"),
        ("$x^{a+b}c$", "$x^a+bc$"),
        (r"$\frac{1}{23}$", r"$\frac{12}{3}$"),
        ("$x^{2}3$", "$x^{23}$"),
        ("Compute $5!$", "Compute $5$"),
        ("Compute $n!$ for all $n$", "Compute $n$ for all $n$"),
        ("0.5", "5"),
        ("$x < 3$", r"$x \le 3$"),
        ("$(x+1)^2$", "$x+1^2$"),
        ("$a - bc$", "$a bc$"),
    ],
)
def test_different_problems_have_different_words(one: str, other: str) -> None:
    assert normal_text(one) != normal_text(other)


def test_operators_belong_to_the_word_that_they_stand_before() -> None:
    assert words(r"If $x + y = 3$, find $\sqrt{x}$.") == ["if", "x", "+y", "=3", "find", "sqrt", "x"]


def test_a_text_of_nothing_but_signs_without_meaning_has_no_words() -> None:
    assert words(" $$ \\, {} ... \\left \n") == []


def test_an_unclosed_drawing_stays_and_so_does_one_that_is_all_there_is() -> None:
    assert words("[asy] draw") != []
    assert words("[asy] draw [/asy]") != []


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=[chr(code) for code in range(32, 127)], max_size=60))
def test_case_dollars_and_white_space_around_a_text_change_nothing(text: str) -> None:
    assert words(f" \n${text}$ ".upper()) == words(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_words_are_never_empty_and_hold_no_white_space(text: str) -> None:
    assert all(word and word == "".join(word.split()) for word in words(text))


@pytest.mark.parametrize(
    "piece", ["{", "}", "{}", "\\left{", "\\", "-a", "1,234", "[asy]", "\u0301\u0323", "\u0f73", "ﷺ", "a{b}", "$"]
)
def test_long_hostile_texts_are_read_to_the_end(piece: str) -> None:
    # Anything quadratic would take minutes here.
    assert words(piece * 20_000 + " end")[-1].endswith("end")


def test_ngrams_are_runs_of_neighbours_and_a_shorter_text_has_none() -> None:
    assert ngrams(["a", "b", "c"], 2) == ["a b", "b c"]
    assert ngrams(["a"], 2) == []
