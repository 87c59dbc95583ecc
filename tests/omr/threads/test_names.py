from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.threads.names import TAKEN, Ending, Endings, Stripped, endings, strip_thread
from omr.threads.posts import clean_post


def stripped(post: str, *answers: str, author: str | None = None, authors: tuple[str | None, ...] = ()) -> Stripped:
    cleaned = [clean_post(answer) for answer in answers]
    seen = Endings()
    for ending in filter(None, endings(post, cleaned, author, authors)):
        seen.add(ending)
    return strip_thread(post, cleaned, author, authors, answers, seen.repeated())


def answer(text: str, *, post: str = "Find $x$.", name: str = "math_lete9") -> str:
    """What becomes of an answer in a thread whose author has this name."""
    return stripped(post, text, author=name).answers[0]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("As math_lete9 says, $x=2$.", "As [user] says, $x=2$."),
        ("MATH_LETE9's way", "[user]'s way"),
        ("@math_lete9 why?", "[user] why?"),
        ("@stranger why?", "[user] why?"),
        ("[quote=stranger7]x[/quote]I agree with stranger7.", "I agree with [user]."),
        ("other_one wrote: $2$\nNo, other_one, it is $3$.", "[user] wrote: $2$\nNo, [user], it is $3$."),
        ("Originally posted by NumberFan\nNumberFan is right.", "Originally posted by [user]\n[user] is right."),
    ],
)
def test_names_that_are_no_words_go_wherever_prose_has_them(text: str, left: str) -> None:
    assert answer(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Nice solution, Bob!", "Nice solution, [user]!"),
        ("Thanks Bob! It is $2$.", "Thanks [user]! It is $2$."),
        ("Bob, why is it $2$?", "[user], why is it $2$?"),
        ("Bob is twice as old as Ann.", "Bob is twice as old as Ann."),
        ("So Bob has $3$ apples.", "So Bob has $3$ apples."),
        ("@Bob: yes", "[user]: yes"),
    ],
)
def test_names_that_may_be_words_go_only_where_somebody_is_spoken_to(text: str, left: str) -> None:
    found = stripped("Find $x$.", text, author="Bob")
    assert found.answers == [left]
    assert (found.taken["names"], found.taken["names_left"]) == ((1, 0) if left != text else (0, 1))


@pytest.mark.parametrize(
    ("name", "post"),
    [
        ("Bob", "Let Bob be twice as old as Ann. Bob, who is $12$, leaves. How old is Ann?"),
        ("Bob", "Alice wrote: it is even. Bob wrote: it is odd. Who lies?"),
        ("max_value", "Find max_value, where max_value is the largest $max_value$ of $f$."),
        ("Prime", "Find all prime $p$. Prime, we say, is what has two divisors."),
        ("ABC", "In the triangle ABC, ABC, is right."),
        ("x_1", "Solve x_1 + x_2 = 3, x_1 > 0."),
        ("x", "Solve x, y."),
        ("alpha", "Let $\\alpha$ and alpha be given, alpha."),
        ("Euler", "By Euler, $V-E+F=2$. Prove it, Euler."),
        ("the", "Find the sum, the."),
        (".*", "Find .* of it."),
        ("sin", "Compute $\\sin x$ and sin y."),
    ],
)
def test_a_problem_stays_as_it_is_whatever_its_author_is_called(name: str, post: str) -> None:
    found = stripped(post, f"Yes. {post}", author=name)
    assert found.post == post
    assert found.answers == [f"Yes. {post}"]
    assert found.taken["names"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "$math_lete9 = 2$ and \\(math_lete9\\), $$math_lete9$$ \\[math_lete9\\]",
        "[asy]label(math_lete9);[/asy]",
        "$a@b.cd$ and $x@y$",
        "Let $a@b=a+b$, so 3@4.5 is 7.5 and a@b is known.",
        "\\command\\math_lete9",
        "The operation a @ b, x@y.z",
        "He buys 5 kg @250 each, 3 kg @Rs.250 and lends the rest @12.5% or @10.75 p.a.",
    ],
)
def test_formulas_and_operators_are_never_touched(text: str) -> None:
    assert answer(text) == text


@pytest.mark.parametrize(
    "mail",
    [
        "bob@example.org",
        "b.o-b+1@mail.example.co.uk",
        "bob [at] example [dot] org",
        "bob(at)example.org",
        "BOB@EXAMPLE.ORG",
    ],
)
def test_mail_addresses_go_wherever_they_stand(mail: str) -> None:
    found = stripped(f"Write to {mail}.", f"costs $5, {mail} or $6")
    assert (found.post, found.answers) == ("Write to [email].", ["costs $5, [email] or $6"])
    assert found.taken["mails"] == 2


@pytest.mark.parametrize(
    "ending",
    [
        "-- \nBob from Ohio",
        "--\nmathlete of the week\nask me anything",
        "__________\nbe kind",
        "math_lete9",
        "~ math_lete9",
    ],
)
def test_signatures_go(ending: str) -> None:
    found = stripped(f"Find $x$.\n{ending}", f"It is $2$.\n{ending}", author="math_lete9")
    assert (found.post, found.answers) == ("Find $x$.", ["It is $2$."])
    assert found.taken["signatures"] == 2


def test_the_last_paragraph_that_a_user_repeats_is_a_signature() -> None:
    motto = "Keep calm and count."
    texts = [f"$2$ it is.\n\n{motto}", f"Or $3$.\n\n{motto}", f"I quote:\n\n{motto}"]
    found = stripped("Find $x$.", *texts, authors=("ann", "ann", "ben"))
    assert found.answers == ["$2$ it is.", "Or $3$.", f"I quote:\n\n{motto}"]
    assert stripped("Find $x$.", *texts).answers == texts


def test_an_ending_is_a_signature_if_it_stands_under_half_of_a_users_posts() -> None:
    seen = Endings()
    seldom = [(5, 2, 21), (6, 2, 21), (7, 2, None), (8, 2, None), (9, 2, None)]
    for text, user, ending in [(1, 1, 11), (2, 1, 11), (3, 1, None), (4, 1, None), *seldom, (10, 3, 31), (10, 3, 31)]:
        seen.add(Ending(text, user, ending))
    assert seen.repeated() == {11}


@pytest.mark.parametrize(
    "end",
    ["--\nThe answer is 42", "--\n$x=2$", "__________\nx = 2", "--\n\\boxed{2}", "---\nso it is two", "Answer:\n42"],
)
def test_an_end_with_mathematics_is_no_signature(end: str) -> None:
    text = f"First we add.\n\n{end}"
    assert stripped("Find $x$.", text, text, authors=("ann", "ann")).answers == [text, text]


def test_a_post_that_is_nothing_but_a_signature_stays() -> None:
    assert stripped("Find $x$.", "--\nBob", "Bob", author="Bob").answers == ["--\nBob", "Bob"]


def test_what_was_taken_is_counted() -> None:
    found = stripped("Find $x$. ann_e@mail.org", "@ann_e2 yes, ann_e2\n--\nben", author="ann_e2")
    assert [found.taken[name] for name in (*TAKEN, "names_left")] == [2, 1, 1, 0]
    assert found.answers == ["[user] yes, [user]"]


@given(st.text(max_size=200), st.lists(st.text(max_size=100), max_size=4), st.text(max_size=30))
def test_any_thread_can_be_stripped_and_keeps_its_number_of_posts(post: str, answers: list[str], name: str) -> None:
    found = stripped(post, *answers, author=name, authors=(name, None))
    assert len(found.answers) == len(answers)


@pytest.mark.parametrize(
    "text",
    ["@a" * 50_000, "[quote=" * 20_000, "a." * 50_000, "a@" * 50_000, "--\n" * 30_000, "$" * 99_999, "(at)" * 20_000],
)
def test_hostile_posts_are_read_to_their_end(text: str) -> None:
    found = stripped(text, text, author="math_lete9")
    assert len(found.post) <= 5 * len(text)
