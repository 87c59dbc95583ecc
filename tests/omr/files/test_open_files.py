"""Files are set aside below the system's limit, and the soft one is raised where that is allowed."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"
TAKE = """
import resource
from omr.files.open_files import set_aside
resource.setrlimit(resource.RLIMIT_NOFILE, (%d, %d))
with set_aside(300) as first, set_aside(300) as second:
    print(first, second, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
with set_aside(500) as third:
    print(third)
"""


@pytest.mark.parametrize(
    ("soft", "hard", "told"),
    [
        (256, 4000, ["300", "300", "700", "500"]),  # raised by what it takes
        (2000, 4000, ["300", "300", "2000", "500"]),  # enough as it is
        (256, 550, ["300", "150", "550", "450"]),  # the second gets what is left, and what was given back is free
        (64, 64, ["0", "0", "64", "0"]),
    ],
)
def test_files_are_shared_out_below_the_hard_limit(soft: int, hard: int, told: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TAKE % (soft, hard)],
        env={"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == told, done.stderr


def test_a_soft_limit_that_cannot_be_raised_counts_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from omr.files.open_files import set_aside

    def refuse(what: int, limits: tuple[int, int]) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda what: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    with set_aside(1000) as found:
        assert found == 156
