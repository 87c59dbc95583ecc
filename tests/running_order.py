"""The order of the tests: kinds that mostly wait begin first, so that the others run meanwhile (`--dist loadgroup`)."""

from __future__ import annotations

import pytest

#: From the longest on.
_SLOW_MARKERS = ("slurm", "vllm", "workflow")


def slow_first(item: pytest.Item) -> int:
    """The place of a test's kind; to be used as a key of a stable sort, which keeps the order within a kind."""
    kinds = (place for place, marker in enumerate(_SLOW_MARKERS) if item.get_closest_marker(marker) is not None)
    return next(kinds, len(_SLOW_MARKERS))
