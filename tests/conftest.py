from __future__ import annotations

import pytest
from running_order import slow_first


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=slow_first)
