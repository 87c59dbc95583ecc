"""The sandbox's environment, and pools that tests share."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omr.sandbox.pool import Pool
from omr.sandbox.settings import SandboxSettings

ROOT = Path(__file__).parents[3]


class Running:
    """A pool in an event loop of its own, for tests that are no coroutines."""

    def __init__(self, pool: Pool, runner: asyncio.Runner) -> None:
        self.pool, self._runner = pool, runner

    def run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)


@pytest.fixture(scope="session")
def sandbox_python() -> Path:
    if sys.platform != "linux":
        pytest.skip("code of models runs on Linux only")
    path = Path(os.environ.get("SANDBOX_PYTHON") or ROOT / ".venv-sandbox" / "bin" / "python")
    if not path.exists():
        pytest.skip("no sandbox environment: run `make .venv-sandbox/sandbox.lock.txt.installed`")
    return path


@pytest.fixture(scope="session")
def settings(sandbox_python: Path) -> SandboxSettings:
    """Short limits: what is tested is that they hold."""
    return SandboxSettings(sandbox_python, slots=2, cpu_s=0.5, grace_s=0.3, memory_mb=512, memory_total_mb=2048)


@pytest.fixture(scope="session")
def pools(settings: SandboxSettings) -> Iterator[Callable[..., Running]]:
    """Starts a pool with other settings, or on a machine that lacks something; the same one for the same words."""
    started: dict[Any, tuple[Running, asyncio.Runner]] = {}

    def pool(*lacking: str, **changes: Any) -> Running:
        key = (lacking, tuple(sorted(changes.items())))
        if key not in started:
            runner = asyncio.Runner()
            made = runner.run(Pool.start(replace(settings, **changes), lacking=frozenset(lacking)))
            started[key] = Running(made, runner), runner
        return started[key][0]

    yield pool
    for running, runner in started.values():
        running.run(running.pool.close())
        runner.close()


@pytest.fixture
def sandbox(pools: Callable[..., Running]) -> Running:
    return pools()
