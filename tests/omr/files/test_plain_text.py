"""Text of unknown origin can be shown beside other text."""

from __future__ import annotations

import pytest
from omr.files.plain_text import plain_text


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2Jgone",
        "a\rb",
        "a\x00b",
        "\u202eright to left",
        "\u2066a\u2069",
        "\ud800",
        "a\x9b31mb",
        "\u2028",
        "\ue000",
    ],
)
def test_nothing_in_it_moves_a_cursor_or_turns_what_stands_beside_it(text: str) -> None:
    shown = plain_text(text, 80)
    assert shown.isprintable()
    assert shown.encode().decode() == shown


def test_it_is_one_line_of_at_most_so_many_characters() -> None:
    assert plain_text(" two\n\tlines  of words ", 80) == "two lines of words"
    assert plain_text("x" * 10**6, 10) == "xxxxxxx..."
    assert plain_text("x" * 10, 10) == "x" * 10
    assert plain_text("", 10) == ""


def test_letters_of_any_script_stay() -> None:
    assert plain_text("größer als π, 大きい, Ω̂", 80) == "größer als π, 大きい, Ω̂"
