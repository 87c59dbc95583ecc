from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from omr.files.hash_table import HashTable

#: Few low bits, so that entries collide in their slots, with some hashes that are equal.
HASHES = st.builds(lambda high, low: high * 2**40 + low, st.integers(-(2**22), 2**22), st.integers(0, 3))


@given(st.lists(st.tuples(HASHES, st.booleans()), max_size=200))
@settings(max_examples=100, deadline=None)
def test_entries_are_found_by_their_hash_in_their_order(entries: list[tuple[int, bool]]) -> None:
    table, known = HashTable(), dict[int, list[int]]()
    for number, (hashed, looks) in enumerate(entries):
        table.append(hashed)
        known.setdefault(hashed, []).append(number)
        if looks:  # look-ups between additions are the hard case
            assert table.find(hashed) == known[hashed]
    assert all(table.find(hashed) == numbers for hashed, numbers in known.items())
    assert len(table) == len(entries)


@given(st.lists(HASHES, max_size=200))
@settings(max_examples=100, deadline=None)
def test_add_numbers_each_hash_once(hashes: list[int]) -> None:
    table, numbers = HashTable(), dict[int, int]()
    for hashed in hashes:
        assert table.add(hashed) == numbers.setdefault(hashed, len(numbers))


def test_it_stays_right_when_it_grows() -> None:
    draw = random.Random(0)
    hashes = [draw.randrange(-(2**63), 2**63) for _ in range(20_000)]
    table = HashTable()
    assert [table.add(hashed) for hashed in hashes] == list(range(20_000))
    assert all(table.find(hashed) == [number] for number, hashed in enumerate(hashes))
    assert table.find(0) == []
