"""Numbers agree with what they count."""

from __future__ import annotations

import pytest
from omr.files.counted import counted, noun_for, verb_for


@pytest.mark.parametrize(
    ("number", "noun", "told"),
    [
        (0, "problem", "0 problems"),
        (1, "problem", "1 problem"),
        (2, "further problem", "2 further problems"),
        (1024, "reply", "1,024 replies"),
        (1, "reply", "1 reply"),
        (2, "key", "2 keys"),
    ],
)
def test_a_number_stands_with_its_noun(number: int, noun: str, told: str) -> None:
    assert counted(number, noun) == told
    assert told.endswith(noun_for(number, noun))


def test_a_verb_goes_with_its_number() -> None:
    assert [verb_for(number) for number in (0, 1, 2)] == ["are", "is", "are"]
    assert verb_for(1, "was", "were") == "was"
