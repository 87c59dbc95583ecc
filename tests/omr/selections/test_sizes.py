"""Sizes of groups are drawn from a bell over all sizes that a pool allows."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.selections.groups import hashed
from omr.selections.sizes import drawn_size, size_weights

DRAWS = 20_000


def draws(largest: int) -> Counter[int]:
    return Counter(drawn_size(2, largest, hashed(f"problem-{number}", 0, "size")) for number in range(DRAWS))


@pytest.mark.parametrize("largest", [2, 3, 4, 5, 8, 16])
def test_twenty_thousand_draws_hold_the_table(largest: int) -> None:
    seen, weights = draws(largest), size_weights(2, largest)
    for size, weight in enumerate(weights, 2):
        expected = DRAWS * weight / sum(weights)
        assert abs(seen[size] - expected) < 5 * max(1.0, expected) ** 0.5, size
    assert seen.total() == DRAWS


@pytest.mark.parametrize("largest", [2, 3, 4, 5, 8, 16])
def test_every_size_up_to_the_largest_occurs(largest: int) -> None:
    assert sorted(draws(largest)) == list(range(2, largest + 1))


def test_the_bell_has_the_mean_and_the_width_of_the_reference() -> None:
    seen = draws(16)
    mean = sum(size * n for size, n in seen.items()) / DRAWS
    variance = sum((size - mean) ** 2 * n for size, n in seen.items()) / DRAWS
    assert mean == pytest.approx(9, abs=0.1)
    assert variance**0.5 == pytest.approx(14 / 6, abs=0.1)
    assert seen[9] == max(seen.values())


@given(st.integers(2, 6), st.integers(0, 40))
def test_a_table_is_symmetric_and_leaves_no_size_out(smallest: int, more: int) -> None:
    weights = size_weights(smallest, smallest + more)
    assert weights == weights[::-1]
    assert min(weights) >= 1
    assert len(weights) == more + 1


def test_no_size_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no size"):
        size_weights(3, 2)
