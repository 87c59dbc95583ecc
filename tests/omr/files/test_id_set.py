from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.files.id_set import IdSet


def identity(number: int) -> str:
    return blake2b(str(number).encode(), digest_size=8).hexdigest()


def test_an_id_is_new_once() -> None:
    seen = IdSet()
    assert [seen.add("00000000000000ff"), seen.add("00000000000000ff"), seen.add("ff00000000000000")] == [
        True,
        False,
        True,
    ]


def test_it_stays_right_when_it_grows() -> None:
    seen = IdSet()
    assert all(seen.add(identity(number)) for number in range(20_000))
    assert not any(seen.add(identity(number)) for number in range(20_000))
    assert len(seen) == 20_000


@given(st.lists(st.integers(1, 40).map(lambda number: f"{number << 58 & (1 << 64) - 1 | number % 3 + 1:016x}")))
@settings(max_examples=100, deadline=None)
def test_ids_that_share_their_place_are_told_apart(ids: list[str]) -> None:
    seen, plain = IdSet(), set[str]()
    for name in ids:
        assert seen.add(name) == (name not in plain)
        plain.add(name)
    assert len(seen) == len(plain)


@pytest.mark.parametrize("name", ["", "thread-1", "1" * 17])
def test_what_is_no_id_of_64_bits_is_refused(name: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        IdSet().add(name)
