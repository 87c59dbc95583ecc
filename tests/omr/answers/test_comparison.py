"""What is the same answer, what is not, and what only the problem can tell."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.answers.comparison import compare_answers
from omr.answers.verdict import Verdict

SAME = r"""
\frac12 | 0.5
x\le 3 | (-\infty,3]
3\ge x | x\le3
1<x\le 2 | (1,2]
x<1\text{ or }x>3 | (-\infty,1)\cup(3,\infty)
x\ne 3 | \mathbb{R}\setminus\{3\}
(-\infty,3)\cup(3,\infty) | \mathbb{R}\setminus\{3\}
(3,\infty)\cup(-\infty,3) | x\neq3
\{x\mid x>2\} | (2,\infty)
x>1 \text{ and } x<3 | (1,3)
x = 3 \text{ or } x=-2 | x=-2 \text{ or } x=3
x=3, x=-2 | -2 \text{ or } 3
x=3, x=-2 | \{3,-2\}
1\pm\sqrt{19} | \{1-\sqrt{19},1+\sqrt{19}\}
(x,y)=(1,2) | x=1,y=2
(x,y)=(1,2) | y=2, x=1
(x,y)=(1,2) | (1,2)
x=1, y=2 | (1,2)
(1,2),(3,4) | (3,4),(1,2)
\{(1,2),(3,4)\} | (3,4),(1,2)
f(x)=x^2+1 | f(t)=t^2+1
f(x)=x^2+1 | x^2+1
50\text{ cm} | 0.5\text{ m}
\frac12\text{ hour} | 30\text{ minutes}
12 inches | 1 foot
\$5 | 5 dollars
\$5 | 5
5\text{ million} | 5000000
45^\circ | \frac{\pi}{4}
45^\circ | 45
45^\circ | 45 degrees
10\% | 0.1
10\% | 10
10\% | \frac{1}{10}
7:32 | \frac{7}{32}
2:4 | 1:2
\langle 1,2\rangle | (1,2)
\begin{pmatrix}1\\2\end{pmatrix} | (1,2)
\begin{bmatrix}1\\2\end{bmatrix} | \begin{pmatrix}1\\2\end{pmatrix}
2\begin{pmatrix}1\\2\end{pmatrix} | \begin{pmatrix}2\\4\end{pmatrix}
0.\overline{3} | \frac13
0.1\overline{6} | \frac16
\text{(B)} | B
(B)\ 12 | B
(B)\ 12 | 12
\text{Evelyn} | evelyn
\emptyset | \{\}
\mathbb{R} | (-\infty,\infty)
2x<6 | 6>2x
x+y=5 | y+x=5
2x+2y=10 | x+y=5
y=2x+1 | 2x-y+1=0
(x+2)^2+y^2=4 | x^2+4x+y^2=0
\frac{a}{b}+\frac{c}{d} | \frac{ad+bc}{bd}
3\sqrt{2}-\sqrt{8} | \sqrt2
\cos 2x | 1-2\sin^2 x
e^{\ln 5} | 5
\log_2 8 | 3
\binom{10}{3} | 120
10! | 3628800
6.02\times 10^{23} | 602000000000000000000000
1.5e3 | 1500
1\frac12 | 1.5
3 1/2 | 3.5
\sqrt[3]{-8} | -2
|-5| | 5
-\frac{1}{2} | \frac{-1}{2}
x^{-1} | \frac1x
a^{m+n} | a^m a^n
2i(1+i) | -2+2i
２＋３ | 5
\frac{π}{2} | \frac{\pi}{2}
x² | x^2
½ | 0.5
√2 | \sqrt{2}
6 \cdot 7 | 42
\max(2,3) | 3
\gcd(12,18) | 6
17^{\text{th}} | 17
x=\frac{-b\pm\sqrt{b^2-4ac}}{2a} | \frac{-b\pm\sqrt{b^2-4ac}}{2a}
5, 3 | 5 \text{ and } 3
no solution | \text{No solution}
1,234 | 1234
12 345 678 | 12345678
n(n+1)/2 | \frac{n^2+n}{2}
2^{n+1}-1 | 2\cdot2^n-1
(-1)^n | \cos(\pi n)
\text{5 cm} | 5\text{ cm}
3:00 | 3:00
$x \in [1,2]$ | 1\le x\le 2
\boxed{5} | 5
\text{\$5} | 5
f(n)=n \text{ or } f(n)=2-n | f(x)=2-x \text{ or } f(x)=x
\sqrt{x-10}\cdot\sqrt{x-10} | x-10
1/2\% | 0.005
\ln((x-8)^2) | 2\ln(x-8)
"""

NOT_THE_SAME = r"""
\{1,2\} | (1,2)
5 cm | 5 m
5\text{ cm} | 5\text{ m}
x^2 | X^2
(1,2) | [1,2]
[1,2) | (1,2]
12 | (1,2)
1, 2 | 12
1, 234 | 1234
1,5 | 1.5
-5 | 5
2^{1000} | 2^{1000}+1
\sqrt{10^{500}+1} | 10^{250}
0.33 | 1/3
3.14 | \pi
33\% | 1/3
2.67\pi | \frac{8\pi}{3}
\frac12 | \frac21
x>3 | x\ge 3
x>3 | y>3
x>3 | x<3
x=2 | x=-2
\sqrt2 | -\sqrt2
A | B
A | a
(A) | (B)
(A) 5 | (B) 5
(A) 5 | (A) 6
\text{odd} | \text{even}
5 million | 5
2 dozen | 2
5\% | 5\text{ cm}
45^\circ | 45\text{ rad}
5 hours | 5 minutes
\$5 | 5 cents
1:2 | 2:1
4:20 | 1:5
a+b | a-b
ab | a+b
f(2)<f(1) | f(1)<f(2)
f(2)<f(1) | f(3)<f(1)
204_5 | 204_6
204_5 | 204
\text{no solution} | 0
\infty | -\infty
\infty | \text{DNE}
\emptyset | 0
\{0\} | \emptyset
\{\emptyset\} | \emptyset
x=1, y=2 | x=2, y=1
(1,2),(3,4) | (1,3),(2,4)
1/2x | \frac{1}{2x}
1/2x | \frac{x}{2}
\sqrt12 | 2\sqrt3
\sin^{-1} x | \frac{1}{\sin x}
\log 100 | 2
e | 2.718
i | 1
3 | 3 \text{ or } 4
3 | \pm 3
at least 5 | 5
not 5 | 5
about 5 | 5
5 or more | 5
more than 5 | 5
5! | 5
|x| | x
x^2 | x_2
x' | x
2 3 | 6
2 3 | 23
(x-1)(x+1) | x^2+1
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&3\\2&4\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} | \begin{pmatrix}1&2\end{pmatrix}
5–10 | -5
5 m | 5
4, 10, -2 | 10, 4, -2
a_1 | a_2
\angle ABC | \angle ABD
\overline{AB} | AB
BAC | CAB
x=5 | y=5
y=x | y=-x
2x+3y=6 | 2x+3y=7
2x<6 | 2x>6
x\in\{1,2\} | x\in(1,2)
n^2+n | n^2+m
\frac{\sqrt{3}}{2} | \frac{\sqrt3}{3}
10^{20}+1 | 10^{20}
99999999999 | 100000000000
0.99999999 | 1
1.4142 | 1.4143
3\text{ hours } 20\text{ minutes} | 3\text{ hours}
\text{all real numbers except } 3 | 3
\text{all } x>3 | 3
(1,2,3) | (1,2)
(1,2) | (2,1)
\{1,2\} | \{1,2,3\}
1\frac12 | \frac12
2\frac13 | \frac23
x\neq 3 | x=3
(-\infty,3) | (-\infty,3]
\mathbb{R} | \mathbb{Z}
k\pi, k\in\mathbb{Z} | k\pi
\frac{\pi}{4}+2k\pi | \frac{\pi}{4}+k\pi
3 \pmod 7 | 3
-1+\sqrt2 | 1-\sqrt2
\text{yes} | \text{no}
2021 | \pm2021
x^{2}y | xy^2
\lfloor 2.5\rfloor | \lceil 2.5\rceil
5 apples | 5 oranges
\frac{d}{dx} | \frac{1}{x}
AM | MA
\ln(x)^2 | 2\ln x
\sqrt{x-3}\sin(\pi x) | 0
x=1 y=2 | x=2
x=1 \quad y=2 | x=2
5 \text{ or more} | 5
\text{not } 5 | 5
"""

SHOWN_DIFFERENT = r"""
\{1,2\} | (1,2)
5\text{ cm} | 5\text{ m}
(1,2) | [1,2]
12 | (1,2)
1, 2 | 12
2^{1000} | 2^{1000}+1
x>3 | x\ge 3
x>3 | x<3
(A) | (B)
1:2 | 2:1
a+b | a-b
204_5 | 204_6
3 | \pm 3
(1,2) | (2,1)
\{1,2\} | \{1,2,3\}
(-\infty,3) | (-\infty,3]
10^{20}+1 | 10^{20}
\frac{\sqrt{3}}{2} | \frac{\sqrt3}{3}
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&3\\2&4\end{pmatrix}
"""

OPEN = r"""
x^2 | X^2
4, 10, -2 | 10, 4, -2
3.14 | \pi
0.33 | \frac{1}{3}
\log 100 | 2
\sqrt{x^2} | x
204_5 | 204
5 m | 5
f(2) | f(3)
x=5 | y=5
1/2x | \frac{x}{2}
\ln(x)^2 | 2\ln x
5 apples | 5 oranges
k\pi, k\in\mathbb{Z} | k\pi
\text{none} | \text{no solution}
"""


def table(text: str) -> list[tuple[str, str]]:
    return [tuple(line.split(" | ")) for line in text.strip().splitlines()]  # type: ignore[misc]


@pytest.mark.parametrize(("one", "other"), table(SAME))
def test_the_same_answer_is_recognised_either_way_round(one: str, other: str) -> None:
    assert (compare_answers(one, other), compare_answers(other, one)) == (Verdict.EQUAL, Verdict.EQUAL)


@pytest.mark.parametrize(("one", "other"), table(NOT_THE_SAME))
def test_another_answer_is_never_taken_for_the_same(one: str, other: str) -> None:
    assert compare_answers(one, other) is not Verdict.EQUAL
    assert compare_answers(one, other) is compare_answers(other, one)


@pytest.mark.parametrize(("one", "other"), table(SHOWN_DIFFERENT))
def test_a_difference_that_can_be_shown_is_shown(one: str, other: str) -> None:
    assert compare_answers(one, other) is Verdict.DIFFERENT


@pytest.mark.parametrize(("one", "other"), table(OPEN))
def test_what_only_the_problem_can_tell_is_left_open(one: str, other: str) -> None:
    assert compare_answers(one, other) is Verdict.UNKNOWN


# Properties

rationals = st.fractions(min_value=-50, max_value=50, max_denominator=40)
integers = st.integers(-30, 30)


def spellings(value: Fraction) -> list[str]:
    above, below = value.numerator, value.denominator
    plain = [
        f"{above}/{below}",
        f"\\frac{{{above}}}{{{below}}}",
        f"$\\dfrac{{{above}}}{{{below}}}$",
        f"x = {above}/{below}",
    ]
    plain += [f"\\frac{{{3 * above}}}{{{3 * below}}}", f"{above} \\cdot {below}^{{-1}}", f"{above - below}/{below} + 1"]
    return [*plain, f"{100 * above}/{below}\\%"]


@given(rationals)
@settings(max_examples=40, deadline=None)
def test_every_spelling_of_a_rational_is_the_same_answer(value: Fraction) -> None:
    assert {compare_answers(one, other) for one, other in combinations(spellings(value), 2)} == {Verdict.EQUAL}


@given(rationals, rationals)
@settings(max_examples=60, deadline=None)
def test_two_rationals_are_told_apart(one: Fraction, other: Fraction) -> None:
    verdict = compare_answers(
        f"\\frac{{{one.numerator}}}{{{one.denominator}}}", f"{other.numerator}/{other.denominator}"
    )
    assert verdict is (Verdict.EQUAL if one == other else Verdict.DIFFERENT)


@given(integers, integers, integers)
@settings(max_examples=40, deadline=None)
def test_polynomials_are_compared_as_functions(a: int, b: int, change: int) -> None:
    factored, expanded = f"(x-({a}))(x-({b}))", f"x^2+({-a - b})x+({a * b + change})"
    assert compare_answers(factored, expanded) is (Verdict.DIFFERENT if change else Verdict.EQUAL)


@given(st.lists(rationals, min_size=2, max_size=5, unique=True), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_counts_in_tuples_and_not_in_sets(values: list[Fraction], random: object) -> None:
    ordered, turned = [str(value) for value in values], [str(value) for value in values[1:] + values[:1]]
    assert compare_answers(f"\\{{{','.join(ordered)}\\}}", f"\\{{{','.join(turned)}\\}}") is Verdict.EQUAL
    assert compare_answers(f"({','.join(ordered)})", f"({','.join(turned)})") is Verdict.DIFFERENT
    assert compare_answers(" or ".join(ordered), " or ".join(turned)) is Verdict.EQUAL
    assert compare_answers(", ".join(ordered), ", ".join(turned)) is Verdict.UNKNOWN


@given(rationals, st.fractions(min_value="1/9", max_value=9, max_denominator=9), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_an_interval_is_its_inequality(low: Fraction, width: Fraction, open_low: bool, open_high: bool) -> None:
    high = low + width
    interval = f"{'(' if open_low else '['}{low}, {high}{')' if open_high else ']'}"
    chain = f"{low} {'<' if open_low else chr(92) + 'le'} x {'<' if open_high else chr(92) + 'le'} {high}"
    other = f"{low} {'<' if not open_low else chr(92) + 'le'} x {'<' if open_high else chr(92) + 'le'} {high}"
    assert compare_answers(interval, chain) is compare_answers(chain, interval) is Verdict.EQUAL
    assert compare_answers(chain, other) is Verdict.DIFFERENT


answers = st.recursive(
    st.sampled_from(
        ["5", "x", "\\pi", "1,234", "0.5", "\\infty", "Evelyn", "B", "5\\%", "90^\\circ", "x_1", "f(x)", "e"]
    ),
    lambda inner: st.one_of(
        st.tuples(
            inner,
            st.sampled_from(["+", "-", "=", ", ", " or ", "<", "\\le ", "\\cdot ", "^", ":", "\\pm ", "\\cup "]),
            inner,
        ).map("".join),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"[{one})"),
        inner.map(lambda one: f"\\{{{one}\\}}"),
        inner.map(lambda one: f"\\sqrt{{{one}}}"),
        inner.map(lambda one: f"{one}\\text{{ cm}}"),
        st.tuples(inner, inner).map(lambda two: f"\\frac{{{two[0]}}}{{{two[1]}}}"),
    ),
    max_leaves=5,
)


@given(answers, answers)
@settings(max_examples=100, deadline=None)
def test_comparing_is_symmetric_and_an_answer_equals_itself(one: str, other: str) -> None:
    assert compare_answers(one, other) is compare_answers(other, one)
    assert compare_answers(one, f"$ {one} $") is Verdict.EQUAL


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_two_texts_have_a_verdict(one: str, other: str) -> None:
    assert compare_answers(one, other) in Verdict
