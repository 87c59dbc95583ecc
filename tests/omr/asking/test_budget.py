"""Whether the budget is used up is told by a file that only speaks of that very budget."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from omr.asking.budget import FILE, Budget
from omr.errors import UserError

FIVE: dict[str, Any] = {"run": "r", "budget": {"usd": 5, "gpu_hours": None}}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results/r" / FILE


def test_it_holds_for_this_budget_until_the_run_starts_anew() -> None:
    budget = Budget(FIVE)
    assert budget.used_up() is None
    budget.close("all is spent")
    assert Budget(FIVE).used_up() == "all is spent"
    with pytest.raises(UserError, match="all is spent"):
        budget.check()
    for other in ({"usd": 6, "gpu_hours": None}, {"usd": 5, "gpu_hours": 9}, {"usd": None, "gpu_hours": None}):
        assert Budget(FIVE | {"budget": other}).used_up() is None
    budget.open()
    assert budget.used_up() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"what": 3, "budget": {"usd": 5.0}}', b'{"what": "x"}'])
def test_a_file_that_says_nothing_stops_nobody(here: Path, content: bytes) -> None:
    here.parent.mkdir(parents=True)
    here.write_bytes(content)
    assert Budget(FIVE).used_up() is None


@pytest.mark.parametrize("config", [{}, {"run": "r"}, {"run": "r", "budget": None}, {"budget": {"usd": 1}}])
def test_without_a_run_or_a_bound_there_is_nothing_to_heed(config: dict[str, Any]) -> None:
    budget = Budget(config)
    budget.check()

    async def watch() -> None:
        async with budget.watched(pytest.fail, every_s=0.01):
            await asyncio.sleep(0.05)

    asyncio.run(watch())


def test_a_watch_tells_once_and_ends_with_its_body() -> None:
    told: list[str] = []

    async def watch() -> None:
        budget = Budget(FIVE)
        async with budget.watched(told.append, every_s=0.01):
            await asyncio.sleep(0.05)
            assert told == []
            budget.close("all is spent")
            for _ in range(500):
                if told:
                    break
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)

    asyncio.run(watch())
    assert told == ["all is spent"]
