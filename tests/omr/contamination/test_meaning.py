from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from omr.contamination.meaning import meaning_of
from omr.contamination.one_problem import evidence_of, is_same


def says_the_same(one: str, other: str) -> bool:
    first, second = meaning_of(one), meaning_of(other)
    assert first is not None
    assert second is not None
    return first.whole == second.whole or first.sentences == second.sentences


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Find all real $x$ such that $x^2+3x+2=0$.", r"Determine all real numbers \(x\) satisfying $x^{2} + 3x + 2 = 0$"),
        ("If $x+y=3$ and $xy=2$, find $x^2+y^2$.", "Let $x+y=3$ and $xy=2$. What is the value of $x^2+y^2$?"),
        ("Compute $\\frac12+\\sqrt{2}$.", "Please evaluate $$\\dfrac{1}{2} + \\sqrt 2.$$"),
        (
            "Find all functions $f:\\mathbb{R}\\to\\mathbb{R}$ such that $f(x+y)=f(x)+f(y)$ for all real $x,y$.",
            "Determine all functions $f: \\mathbb R \\rightarrow \\mathbb R$ satisfying $$f(x+y) = f(x) + f(y)$$ for any reals $x, y$.",
        ),
        ("How many positive integers less than $100$ are divisible by three?",
         "Find the number of positive integers less than 100 that are divisible by $3$."),
        ("Two dice are rolled. Find the probability that the sum is $7$.",
         "What is the chance that the sum is $7$? Two dice are rolled."),
        ("Find the largest $n$ with at most $3$ divisors.", "Find the greatest $n$ with no more than 3 divisors"),
        ("Let $x ≤ 3$ and π² be given. Find $α$.", r"Let $x \leq 3$ and $\pi^2$ be given. Find $\alpha$"),
        ("Bob's score is $5!$. Find it.", "Bob's score is $5!$. Determine it"),
        ("Prove that $n$ is even if $n^2$ is even.", "Show that $n$ is even, if $n^{2}$ is even!"),
        ("Find $f'(1)$ and non-negative $x$.", "Find $f’(1)$ and non-negative $x$"),
        ("Bob’s score is 12. Find it.", "Bob's score is 12. Find it"),
        ("Compute $.5 + 2\\cdot3$.", "Compute $0.5+2\\times 3$."),
        ("Find $n < 9$ with 3 ∤ n.", "Find $n<9$ with $3\\nmid n$."),
        ("If $y=3$, find $x$ such that $x=y$.", "Let $y=3$. Find $x$ satisfying $x=y$."),
        ("Find $x$ if $x+y=3$ and $y=1$.", "Suppose $x+y=3$ and $y=1$. Find $x$."),
        ("It is given that $a+b=3$. Find $a^2$.", "Given that $a+b=3$, find $a^2$."),
        ("In how many ways can 5 people sit?", "How many ways can $5$ people sit?"),
        ("Solve the equation $x+1=3$.", "Solve $x+1=3$."),
        ("Find non-negative $x<9$.", "Find nonnegative $x < 9$."),
        ("Poincaré's map has $12$ points. How many?", "Poincare's map has 12 points. How many?"),
        ("Find $\\det\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}$.", "Find \\[\\det\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}\\]"),
        ("Solve $\\begin{align}x&=1\\\\y&=2\\end{align}$.", "Solve $\\begin{align}x=1\\\\y=2\\end{align}$."),
    ],
)  # fmt: skip
def test_reposts_in_other_words_and_other_latex_say_the_same(one: str, other: str) -> None:
    assert says_the_same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Find the roots of $x^2+3x+2$.", "Find the roots of $x^2+3x+5$."),
        ("Find the roots of $x^2+3x+2$.", "Find the roots of $x^2-3x+2$."),
        ("Find the roots of $x^2+3x+2$.", "Find the roots of $x^3+3x+2$."),
        ("Solve $x < 3$.", "Solve $x > 3$."),
        ("Solve $x < 3$.", r"Solve $x \le 3$."),
        ("Find the area of a triangle with sides 6, 8, 10.", "Find the perimeter of a triangle with sides 6, 8, 10."),
        ("Find the maximum of $f(x)=x-x^2$.", "Find the minimum of $f(x)=x-x^2$."),
        ("Find the sum of the squares of $a$ and $b$.", "Find the square of the sum of $a$ and $b$."),
        ("Find the integers $x$ with $x^2<10$.", "Find the number of integers $x$ with $x^2<10$."),
        ("Find the integers $x$ with $x^2<10$.", "Find the positive integers $x$ with $x^2<10$."),
        ("Two balls are drawn with replacement.", "Two balls are drawn without replacement."),
        ("Is $n$ even or odd?", "Is $n$ even and odd?"),
        ("Find $x,y$.", "Find $xy$."),
        ("Find $A$ in terms of $a$.", "Find $a$ in terms of $A$."),
        ("Find $f'(1)$.", "Find $f(1)$."),
        ("Find $f(1)$ if $f(2)=3$.", "Find $f(2)$ if $f(1)=3$."),
        ("Find $1+2+\\dots+n$.", "Find $1+2+n$."),
        ("What is $5!$?", "What is $5$?"),
        ("Find $\\Delta$.", "Find $\\delta$."),
        ("Find $\\sin x$.", "Find $\\cos x$."),
        ("Name the polygon $abcde$.", "Name the polygon $abcd$."),
        ("Prove that $n$ is even if $n^2$ is even.", "Prove that if $n$ is even then $n^2$ is even."),
        ("Find the smallest $n$ with at least $3$ divisors.", "Find the smallest $n$ with at most $3$ divisors."),
        ("Show that $f$ is odd.", "Find whether $f$ is odd."),
        ("For all $x$ find $y$.", "For some $x$ find $y$."),
        ("Find $0.5$ of $12$.", "Find $5$ of $12$."),
        ("Find $\\binom{5}{2}$.", "Find $\\frac{5}{2}$."),
        ("There is no $x$ with $x=1$.", "There is $x$ with $x=1$."),
        (r"Roots of $x^2=3$: find $\alpha-\beta$.", r"Roots of $x^2=3$: find $\alpha\beta$."),
        (r"Simplify $\sin\alpha - \sin\beta$.", r"Simplify $\sin\alpha\sin\beta$."),
        ("Compute AB-CD of the figure.", "Compute AB CD of the figure."),
        ("Find all n with 3 ∤ n.", "Find all n with 3 ∣ n."),
        ("There ∄ n with 3 ≮ n.", "There ∄ n with 3 < n."),
        ("Find n with 3 \u2260 n.", "Find n with 3 = n."),
        ("Find n with 3 =\u0338 n.", "Find n with 3 = n."),
        ("Write 0.3\u0305 as a fraction.", "Write 0.3 as a fraction."),
        ("Write 0.3\u0307 as a fraction.", "Write 0.3 as a fraction."),
        ("Find x\u0304 of the sample.", "Find x of the sample."),
        ('Find $f"(1)$.', "Find $f(1)$."),
        ('Find $f"(1)$.', "Find $f'(1)$."),
        ("Find $f’(1)$.", "Find $f(1)$."),
        ("Find $f´(1)$.", "Find $f(1)$."),
        ('Find f"(1) for this.', "Find f(1) for this."),
        ("Let AB' = 3. Find it.", "Let AB = 3. Find it."),
        ("Find all $n$ such that $n$ is even if $n>3$.", "Find all $n$ such that $n$ is even and $n>3$."),
        ("If $x>0$ then $f(x)=1$. Find $f$.", "Let $x>0$. Let $f(x)=1$. Find $f$."),
        ("Prove that $n$ is even given that $m$ is.", "Prove that $m$ is even given that $n$ is."),
        ("Find non-negative $x<9$.", "Find negative $x < 9$."),
        ("Find the primes $p$ for which $p=2$ if $q=3$.", "Find the primes $p$ for which $p=2$, $q=3$."),
        ("Let a@b = a+b and a#b = ab. Find 2@3.", "Let a@b = a+b and a#b = ab. Find 2#3."),
        ("Let $a & b = ab$. Find $2 & 3$.", "Let $a & b = ab$. Find $2 3$."),
        ("Compute $5!!$.", "Compute $5!$."),
        ("Compute 5!!", "Compute 5!"),
        ("What is .25 of 80?", "What is 25 of 80?"),
        ("Solve $x+.5=3$.", "Solve $x+5=3$."),
        ("It takes 2½ hours.", "It takes 21/2 hours."),
        ("Compute $\\frac123$.", "Compute $\\frac1{23}$."),
        (r"Find the rank of $\begin{pmatrix}1&2\\3&4\end{pmatrix}$.", r"Find the rank of $\begin{pmatrix}1&2&3&4\end{pmatrix}$."),
        (r"Find $\vec{a}\cdot\vec{b}$.", r"Find $\vec{a}\times\vec{b}$."),
        ("For vectors find $a \\cdot b$.", "For vectors find $a \\times b$."),
        (r"Let $a\ast b=a\cdot b+1$. Find $2\ast3$.", r"Let $a\ast b=a\cdot b+1$. Find $2\cdot3$."),
    ],
)  # fmt: skip
def test_another_number_sign_letter_or_question_makes_another_problem(one: str, other: str) -> None:
    assert not says_the_same(one, other)


def by_answer(one: str, other: str, first: str | None, second: str | None) -> bool:
    meanings = meaning_of(one), meaning_of(other)
    assert meanings[0] is not None
    assert meanings[1] is not None
    evidence = evidence_of(meanings[0], first)
    return evidence is not None and evidence == evidence_of(meanings[1], second) and is_same(meanings[0], meanings[1])


def test_the_same_answer_task_and_mathematics_make_up_for_other_words() -> None:
    one = "A farmer sells pens in full boxes of $12$ and pencils in full boxes of $15$ to schools nearby. Find the least number of pens if there are equally many pencils."
    other = "A merchant sells pens in full boxes of $12$ and pencils in full boxes of $15$ to pupils nearby. Find the least number of pens if there are equally many pencils."
    assert not says_the_same(one, other)
    assert by_answer(one, other, "60", "$60$")
    assert not by_answer(one, other, "60", "61")
    assert not by_answer(one, other, "60", None)
    assert not by_answer(one, other, None, None)
    assert not by_answer(one, other, "6", "6"), "the answer of too many problems"


@pytest.mark.parametrize(
    ("other"),
    [
        "Boxes of $12$ pens and $15$ pencils are bought. Find the least number of pencils.",
        "Boxes of $12$ pens and $16$ pencils are bought. Find the least number of pens.",
        "Boxes of $15$ pens and $12$ pencils are bought. Find the least number of pens.",
        "Boxes of $12$ pens and $15$ pencils are sold. Find the least number of pens.",
    ],
)
def test_the_same_answer_proves_nothing_where_task_mathematics_or_just_one_word_differ(other: str) -> None:
    one = "Boxes of $12$ pens and $15$ pencils are bought. Find the least number of pens."
    assert by_answer(one, one, "60", "60")
    assert not by_answer(one, other, "60", "60")


SEATS = "In how many ways can $5$ {} and $3$ {} sit in a row of $8$ chairs?"
URN = "Find the probability that a {} ball is drawn before a {} ball from an urn with $3$ of each."
BAGS = "The first bag has ${}$ marbles. The second bag has ${}$ marbles. Find the difference of the numbers."
TRAINS = "A train leaves at noon with speed $40$, another one at two o'clock with speed $60$ on the same long track to the city. "
GARDEN = "The stones lie on a long table in the garden behind an old house. "
STONES = "Alice and Bob play with $25$ stones. A move takes up to $3$ stones. The last stone wins. "


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (SEATS.format("men", "women"), SEATS.format("women", "men"), "40320"),
        (URN.format("red", "blue"), URN.format("blue", "red"), "1/2"),
        (BAGS.format(12, 25), BAGS.format(25, 12), "13"),
        ("Find the sum of the squares of the roots of $x^2-5x+6=0$.",
         "Find the square of the sum of the roots of $x^2-5x+6=0$.", "13"),
        ("Every teacher knows a pupil. Find the least number of teachers if there are $30$ pupils.",
         "Every pupil knows a teacher. Find the least number of teachers if there are $30$ pupils.", "30"),
        ("Anna is older than Bert by $12$ years. Bert is twice as old as Carl. Find Carl's age if all are $57$.",
         "Bert is older than Anna by $12$ years. Anna is twice as old as Carl. Find Carl's age if all are $57$.", "15"),
        ("A rectangle has length $8$. Its width is shorter than its diagonal by $4$. Find its area.",
         "A rectangle has length $8$. Its diagonal is shorter than its width by $4$. Find its area.", "48"),
        (TRAINS + "At which hour does the faster train catch the slower?",
         TRAINS + "At which distance does the slower train meet the faster?", "240"),
        (TRAINS + "Name the hour at which the faster train catches the slower.",
         TRAINS + "Name the distance at which the slower train meets the faster.", "240"),
        (STONES + "Who wins if Alice begins?", STONES + "Which of them loses if Bob begins?", "Alice"),
        (STONES + GARDEN + "Who has a sure way of winning? Both play as well as can be, and none gives up early.",
         STONES + GARDEN + "Which player loses? Both play as well as can be, and none gives up early.", "Alice"),
        (TRAINS + "Name the hour of their meeting.", TRAINS + "Name the place of their farewell.", "240"),
        ("What number is larger than $12$ and smaller than $14$?",
         "What number is smaller than $12$ and larger than $14$?", "13"),
    ],
)  # fmt: skip
def test_the_same_words_in_another_order_or_another_question_are_another_problem_whatever_the_answer(
    one: str, other: str, answer: str
) -> None:
    assert by_answer(one, one, answer, answer)
    assert not by_answer(one, other, answer, answer)
    assert not by_answer(other, one, answer, answer)


def test_words_that_both_have_may_stand_in_another_order_of_the_sentences() -> None:
    one = "A farmer packs red pens in full boxes of $12$ on Monday. His helper packs blue pencils in large boxes of $15$ on Friday. Find the least number of pens."
    other = "A clerk packs blue pencils in large boxes of $15$ on Friday. The merchant packs red pens in full boxes of $12$ on Monday. Find the least number of pens."
    swapped = other.replace("$15$", "$0$").replace("$12$", "$15$").replace("$0$", "$12$")
    assert by_answer(one, other, "60", "60")
    assert not by_answer(one, swapped, "60", "60")


@pytest.mark.parametrize("text", ["", "  \n", "$$", ".", "the"])
def test_a_text_that_says_nothing_is_like_no_other(text: str) -> None:
    assert meaning_of(text) is None


@given(st.text(max_size=300))
@example("\u0300")
@example("\u0304\u0301 of two")
def test_any_text_can_be_read_and_says_what_it_says_whatever_the_spaces_around(text: str) -> None:
    assert meaning_of(text) == meaning_of(text)
    assert meaning_of(f"\n{text} ") == meaning_of(text)


@pytest.mark.parametrize(
    "text", ["$" * 100_000, "{" * 100_000, "\\text{" * 20_000, "find " * 40_000, "'" * 100_000, "a." * 50_000]
)
def test_hostile_texts_are_read_to_their_end(text: str) -> None:
    assert meaning_of(text) == meaning_of(f" {text}\n")
