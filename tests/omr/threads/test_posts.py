from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.threads.posts import build_discussion, clean_post, thread_id
from omr.threads.token_counts import UNBOUNDED, ByteCounter, TokenCounter, TokenizerCounter
from small_tokenizer import save_tokenizer

OPENING = ("[quote]", "[QUOTE=Joe]", '[quote="a b"]', '[quote="[b]x[/b]"]', "[quote:1f3=ann]", "[quote name=x, post:4]")
CLOSING = ("[/quote]", "[/Quote]", "[/quote:1f3]")

# Words, tags, and what only looks like a tag.
pieces = st.lists(
    st.one_of(
        st.sampled_from(OPENING + CLOSING),
        st.sampled_from(("[quo", "te]", "[quotes]", "[/quote", "[b]", "]", "[", "\n")),
        st.integers(0, 99).map(lambda number: f" word{number} "),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> TokenizerCounter:
    return TokenizerCounter(save_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


class WithoutBound:
    """A counter that must count everything."""

    name = "without bound"

    def __init__(self, counter: TokenCounter) -> None:
        self.count = counter.count

    def at_most(self, text: str) -> int:
        return UNBOUNDED


def words_outside_quotes(tokens: list[str]) -> list[str]:
    """The obvious, slow way: take away innermost quotes until there is none, then the tags that are left."""
    tokens = list(tokens)
    closing = next((i for i, token in enumerate(tokens) if token in CLOSING and _opened(tokens, i)), None)
    if closing is None:
        return [token for token in tokens if token not in OPENING + CLOSING]
    return words_outside_quotes(tokens[: _opened(tokens, closing)[-1]] + tokens[closing + 1 :])


def _opened(tokens: list[str], before: int) -> list[int]:
    return [i for i in range(before) if tokens[i] in OPENING]


@pytest.mark.parametrize("opening", OPENING)
@pytest.mark.parametrize("closing", CLOSING)
def test_a_quote_goes_with_its_text(opening: str, closing: str) -> None:
    assert clean_post(f"before {opening}quoted\ntext{closing} after") == "before\nafter"


def test_nested_quotes_go_as_a_whole() -> None:
    assert clean_post("a[quote]b[quote]c[/quote]d[quote]e[/quote]f[/quote]g") == "a\ng"


def test_the_text_behind_an_opening_tag_without_a_closing_one_stays() -> None:
    assert clean_post("[quote=Joe]the whole answer") == "the whole answer"


def test_an_opening_tag_without_a_closing_one_does_not_keep_an_inner_quote() -> None:
    assert clean_post("[quote]A[quote]B[/quote] my reply") == "A\nmy reply"


def test_the_text_before_a_closing_tag_without_an_opening_one_stays() -> None:
    assert clean_post("my reply[/quote] and more") == "my reply\nand more"


@pytest.mark.parametrize(
    "text", ["[quotes]x[/quotes]", "[quotation]", "[quote\n]", "[quote", "quote] [/ quote]", "[ quote]"]
)
def test_what_only_looks_like_a_tag_stays(text: str) -> None:
    assert clean_post(text) == text


def test_nul_characters_go_and_cannot_hide_a_tag() -> None:
    assert clean_post("a\0b[quo\0te]x[/quote]") == "ab"


@given(pieces)
@settings(max_examples=100, deadline=None)
def test_exactly_the_words_outside_of_quotes_stay(tokens: list[str]) -> None:
    only_tags_and_words = [token for token in tokens if token in OPENING + CLOSING or "word" in token]
    kept = [token.strip() for token in words_outside_quotes(only_tags_and_words)]
    assert clean_post("".join(only_tags_and_words)).split() == kept


@given(pieces)
@settings(max_examples=100, deadline=None)
def test_cleaning_a_clean_post_changes_nothing(tokens: list[str]) -> None:
    once = clean_post("".join(tokens))
    assert clean_post(once) == once


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
@settings(max_examples=100, deadline=None)
def test_a_text_without_tags_is_only_stripped(text: str) -> None:
    plain = text.replace("[", "").replace("<", "").replace("&", "").replace("\\", "")
    assert clean_post(plain) == plain.strip()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[quote]" * 10**6 + "end", "end"),
        ("[/quote]" * 10**6 + "end", "end"),
        ("[quote]" * 500_000 + "x" + "[/quote]" * 500_000 + "end", "end"),
        ("[quote]x[/quote]" * 300_000 + "end", "end"),
        ("[quote]" + "[quote]x[/quote]" * 300_000 + "end", "end"),
        ('[quote="' * 300_000, '[quote="' * 300_000),
        ("[quote=" + "a" * 10**6, "[quote=" + "a" * 10**6),
    ],
    ids=["open", "close", "nested", "in a row", "in an open one", "half open", "long name"],
)
def test_a_hostile_post_is_cleaned_in_linear_time(text: str, left: str) -> None:
    # Anything slower than linear would not come back within the life of the test run.
    assert clean_post(text) == left


def test_posts_are_numbered_blocks() -> None:
    discussion = build_discussion(["first", " second "], 1000, ByteCounter())
    assert discussion == ("Post 1:\nfirst\n\nPost 2:\nsecond", 2, 0, 0)


def test_posts_left_empty_are_skipped_and_not_numbered() -> None:
    discussion = build_discussion(["[quote]a[/quote]", "b", " \n", "c"], 1000, ByteCounter())
    assert discussion == ("Post 1:\nb\n\nPost 2:\nc", 2, 2, 0)


def test_an_unclosed_quote_in_one_post_does_not_reach_the_next() -> None:
    assert build_discussion(["[quote]a", "b", "c[/quote]d"], 1000, ByteCounter()).posts_kept == 3


def test_a_thread_without_answers_has_an_empty_discussion() -> None:
    assert build_discussion([], 1000, ByteCounter()) == ("", 0, 0, 0)


def test_the_first_post_that_does_not_fit_ends_the_discussion() -> None:
    answers = ["a" * 40, "b" * 80, "c"]
    assert build_discussion(answers, 100, ByteCounter()) == ("Post 1:\n" + "a" * 40, 1, 0, 2)


@pytest.mark.parametrize(("max_tokens", "kept"), [(17, 0), (18, 1), (37, 1), (38, 2)])
def test_a_discussion_may_fill_the_limit_exactly(max_tokens: int, kept: int) -> None:
    assert build_discussion(["a" * 10, "b" * 10], max_tokens, ByteCounter()).posts_kept == kept


answers_lists = st.lists(st.text(st.characters(codec="utf-8"), max_size=60), max_size=25)


@given(answers_lists, st.integers(1, 400))
@settings(max_examples=100, deadline=None)
def test_a_discussion_stays_within_the_limit_and_is_as_long_as_it_can_be(
    counter: TokenizerCounter, answers: list[str], max_tokens: int
) -> None:
    discussion = build_discussion(answers, max_tokens, counter)
    assert discussion.posts_kept + discussion.posts_empty + discussion.posts_left_out == len(answers)
    assert counter.count([discussion.text])[0] <= max_tokens
    if discussion.posts_left_out:
        posts = [clean for answer in answers if (clean := clean_post(answer))]
        longer = build_discussion(posts[: discussion.posts_kept + 1], UNBOUNDED, counter).text
        assert longer.startswith(discussion.text)
        assert counter.count([longer])[0] > max_tokens


@given(answers_lists, st.integers(1, 400))
@settings(max_examples=100, deadline=None)
def test_counting_only_where_it_is_needed_changes_nothing(
    counter: TokenizerCounter, answers: list[str], max_tokens: int
) -> None:
    cheap = build_discussion(answers, max_tokens, counter)
    assert cheap == build_discussion(answers, max_tokens, WithoutBound(counter))


def test_a_thread_keeps_its_id_and_any_change_of_its_texts_gives_another() -> None:
    assert thread_id("q", ["a", "b"]) == thread_id("q", ("a", "b"))
    threads: list[tuple[str, list[str]]] = [
        ("q", ["a", "b"]),
        ("q", ["ab"]),
        ("qa", ["b"]),
        ("q", ["b", "a"]),
        ("q", []),
    ]
    assert len({thread_id(post, answers) for post, answers in threads}) == len(threads)
