"""How the tests themselves are run: groups stay together, and those that mostly wait begin first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from running_order import slow_first

GROUP = """
import os, pytest
pytestmark = pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(8))
def test_where(number):
    print("worker", os.environ["PYTEST_XDIST_WORKER"])
"""


def test_a_group_of_tests_runs_in_one_worker(tmp_path: Path) -> None:
    """Some versions of pytest and its plugin do not work together, and silently share a group out."""
    (tmp_path / "test_group.py").write_text(GROUP)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-rP", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    workers = [line for line in done.stdout.splitlines() if line.startswith("worker gw")]
    assert len(workers) == 8
    assert len(set(workers)) == 1


def test_slow_kinds_come_first_and_each_keeps_its_order() -> None:
    class Item:
        def __init__(self, name: str, *markers: str) -> None:
            self.name, self.markers = name, markers

        def get_closest_marker(self, name: str) -> object:
            return name if name in self.markers else None

    items = [Item("a"), Item("b", "workflow"), Item("c", "vllm"), Item("d"), Item("e", "slurm"), Item("f", "workflow")]
    ordered = sorted(items, key=slow_first)  # type: ignore[arg-type]
    assert "".join(item.name for item in ordered) == "ecbfad"
