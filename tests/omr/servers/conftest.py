from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from server_lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A stand-in server; whatever a test did, no process of it may be left."""
    lab = Lab(tmp_path)
    yield lab
    left = lab.wait_until_gone()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
