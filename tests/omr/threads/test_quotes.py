"""Quoted text goes, whatever its markup looks like, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.threads.posts import clean_post

OPENING = [
    "[quote=[b]Problem 3[/b]]",
    "[quote=[TEAM]bob]",
    "[quote='[TEAM]bob']",
    "[quote=bob[2]]",
    '[quote="[url=http://x.org/a]Rule[/url]"]',
    '[QUOTE="Jo Doe, post: 36, member: 10"]',
    '[quote="two\nlines"]',
    "[quote=two\nlines]",
    "[quote=interval $[0,1]$]",
    "[quote=half-open (0,1]",
    '[quote="smile :]"]',
    '[quote=5" pipe]',
    '[quote="bob]',
    '[quote author="a]b" date=3]',
    '[quote:1f3a="ann [mod]"]',
    "&#91;quote=bob&#93;",
    "&#091;quote&#093;",
    "&#x5B;quote&#x5D;",
    "&lbrack;quote&rbrack;",
    "[quote=&quot;bob]&quot;]",
    "[quote=R&D]",
]
CLOSING = ["[/quote]", "[\\quote]", "[/QUOTE]", "&#91;/quote&#93;", "&lsqb;/quote&rsqb;"]
HTML = [
    "<blockquote>",
    '<blockquote class="q" cite="http://x.org/?a=1&b=2">',
    "<BLOCKQUOTE\nclass=x>",
    "&lt;blockquote&gt;",
]


@pytest.mark.parametrize("opening", OPENING)
@pytest.mark.parametrize("closing", CLOSING)
def test_a_quote_goes_whatever_its_tags_look_like(opening: str, closing: str) -> None:
    assert clean_post(f"$[0,1]$ {opening}QUOTED $[1,2]${closing} mine [3]") == "$[0,1]$\nmine [3]"


@pytest.mark.parametrize("opening", HTML)
@pytest.mark.parametrize("closing", ["</blockquote>", "</BlockQuote>", "&lt;/blockquote&gt;"])
def test_a_quote_in_html_goes(opening: str, closing: str) -> None:
    assert clean_post(f"a {opening}<cite>bob wrote:</cite>QUOTED{closing} mine $x<y$") == "a\nmine $x<y$"


def test_quotes_of_one_kind_inside_another_go_with_it() -> None:
    assert clean_post("<blockquote>a [quote]b[/quote] c</blockquote> mine") == "mine"
    assert clean_post("[quote=x]a <blockquote>b c[/quote] mine") == "mine"


def test_kinds_do_not_close_each_other() -> None:
    assert clean_post("[quote]a</blockquote> b") == "a\nb"
    assert clean_post("[quote]a<blockquote>b[/quote]c</blockquote>d") == "c\nd"


@pytest.mark.parametrize(
    "text",
    [
        "the set [quotes] and [quo te]",
        "[quote=never closed\nand the next line says $[0,1]$, and [2,3] too",
        "the blockquote tag <blockquotes> is none",
        "if 1 < blockquote > 0",
        "&#91;1,2&#93; is an interval",
    ],
)
def test_what_only_looks_like_a_tag_stays(text: str) -> None:
    assert clean_post(text) == text


@pytest.mark.parametrize(
    "opening", ["[quote=", '[quote="a, ', "[quote=[[", "[quote=\n", "<blockquote ", "[quote=&quot;", "[quote=[x]"]
)
def test_long_texts_of_half_open_tags_are_read_to_the_end(opening: str) -> None:
    # Anything quadratic would take minutes here.
    assert clean_post(opening * 30_000 + "end").endswith("end")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([*OPENING, *CLOSING, *HTML, "</blockquote>", "word", "[", "]", '"', "\n", "="]), max_size=12
    )
)
def test_whatever_the_tags_a_post_is_cleaned_without_an_error(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert len(clean_post(text)) <= len(text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (r"$ x^2 \plus{} 3x \equal{} 10$", "$ x^2 + 3x = 10$"),
        (r"$n\equal{}2k\minus{}1$", "$n=2k-1$"),
        (r"$a\equal b$", "$a= b$"),
        (r"$\minus {} 1$", "$- 1$"),
        (r"\equalto and \plusminus stay", r"\equalto and \plusminus stay"),
    ],
)
def test_signs_that_the_forum_wrote_as_macros_are_signs(text: str, clean: str) -> None:
    assert clean_post(text) == clean


def test_latex_that_lost_its_backslash_to_an_escape_is_latex_again() -> None:
    assert clean_post("Find $\x0crac{1}{2}+\x08eta$ if $x \times y$.\0") == r"Find $\frac{1}{2}+\beta$ if $x \times y$."
