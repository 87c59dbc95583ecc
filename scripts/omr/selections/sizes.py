"""How many candidates a group has: a bell over the sizes that a pool allows, drawn by a hash.

The reference draws from a normal distribution cut to [2, T], with mean (T+2)//2 and deviation (T-2)/6, by an unseeded
generator, and rounds down, so that T itself never occurs. Here the mean is (T+2)/2 and the nearest size counts.
"""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from math import erf, sqrt

#: What the weights of a table add up to, but for rounding.
_WHOLE = 1_000_000


@cache
def size_weights(smallest: int, largest: int) -> tuple[int, ...]:
    """Whole-number weights of the sizes from `smallest` to `largest`, each at least 1. Raises ValueError for none."""
    if smallest > largest:
        raise ValueError(f"there is no size from {smallest} to {largest}")
    if smallest == largest:
        return (_WHOLE,)
    mean, deviation = (smallest + largest) / 2, (largest - smallest) / 6

    def below(size: float) -> float:
        # Cut at both ends: what lies beyond belongs to no size.
        return 0.5 * erf((min(max(size, smallest), largest) - mean) / (deviation * sqrt(2)))

    whole = below(largest) - below(smallest)
    shares = [(below(size + 0.5) - below(size - 0.5)) / whole for size in range(smallest, largest + 1)]
    return tuple(max(1, round(_WHOLE * share)) for share in shares)


def drawn_size(smallest: int, largest: int, number: int) -> int:
    """The size that a number (a hash, say) stands for: each as often as it weighs."""
    weights = size_weights(smallest, largest)
    place = number % sum(weights)
    for size, passed in enumerate(accumulate(weights), smallest):
        if place < passed:
            return size
    raise AssertionError("a remainder is less than the sum")
