from __future__ import annotations

import pytest
from hypothesis import settings
from running_order import slow_first

# By default an example that takes more than 200 ms fails: on a busy machine any may.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=slow_first)
