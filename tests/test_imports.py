"""What the commands of stages bring along before they do anything: a run starts thousands of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Those that talk to a server, or look after a run.
TALKING = {"browse", "generate", "replay_server", "save_sharded_state", "status", "try_server"}
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
#: Each takes as long to import as a small stage takes for all that it does.
HEAVY = ("asyncio", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "sympy", "torch", "transformers")


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name not in TALKING])
def test_a_command_brings_nothing_heavy_along_before_it_needs_it(script: str) -> None:
    program = (
        f"import sys; sys.path.insert(0, 'scripts'); import {script}; "
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_check_sees_what_is_imported() -> None:
    program = "import sys; sys.path.insert(0, 'scripts'); import generate; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]
