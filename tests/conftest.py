"""The order of the tests: groups that mostly wait begin first, so that the others run meanwhile (`--dist loadgroup`)."""

from __future__ import annotations

import pytest

#: From the longest on.
_SLOW_MARKERS = ("slurm", "vllm", "workflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """The place of a test's kind; within a kind the order stays."""
    kinds = (place for place, marker in enumerate(_SLOW_MARKERS) if item.get_closest_marker(marker) is not None)
    return next(kinds, len(_SLOW_MARKERS))
