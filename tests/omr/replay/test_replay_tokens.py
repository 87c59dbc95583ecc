from hypothesis import given, settings
from hypothesis import strategies as st
from omr.replay.tokens import count_tokens, first_tokens, token_ids


def test_words_and_single_signs_are_tokens() -> None:
    assert count_tokens("So x_1 = \\frac{1}{2}.") == 12  # So x_1 = \ frac { 1 } { 2 } .


def test_an_empty_text_has_no_tokens() -> None:
    assert count_tokens("") == count_tokens(" \n\t") == 0


@settings(max_examples=100, deadline=None)
@given(st.text(), st.integers(0, 40))
def test_cutting_leaves_a_beginning_of_exactly_the_tokens_asked_for(text: str, most: int) -> None:
    cut = first_tokens(text, most)
    assert text.startswith(cut)
    assert count_tokens(cut) == min(most, count_tokens(text))


def test_a_text_within_the_limit_keeps_its_white_space() -> None:
    assert first_tokens("a b \n", 2) == "a b \n"


def test_equal_tokens_have_equal_ids() -> None:
    first, second, third = token_ids("one two one")
    assert first == third != second
