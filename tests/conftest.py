from __future__ import annotations

import signal

import pytest
from hypothesis import settings
from running_order import slow_first

# Behind `&` a shell has Ctrl-C ignored, and so would every program that a test starts and ends by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# By default an example that takes more than 200 ms fails: on a busy machine any may. CI asks for `ci` and gets the same
# examples each time, so that what it says of a change is about that change; everywhere else they are new ones each time.
settings.register_profile("untimed", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=slow_first)
