"""Model jobs heed the run's budget: none begins once it is used up, and one that runs keeps what it has and ends.

What a run has spent is known to the process that runs Snakemake (omr/live), which writes a small file beside the run's
config when that reaches `budget`. Jobs look at that file only: a hundred of them need not read what all have spent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from omr.errors import UserError
from omr.files.jsonl import AtomicFile
from omr.files.plain_text import plain_text

#: In the run's folder.
FILE = "budget_used_up.json"
LOOK_EVERY_S = 5.0
_MOST_CHARACTERS = 300
REMEDY = (
    "all finished files and every stored reply are kept, and none is asked for again: raise `budget` in config and "
    "give the same command again to go on (what is spent stays spent, also if less is asked for)"
)


class Budget:
    """The budget of the run that a config describes; without a run or a bound it is never used up."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._bounds = bounds_of(config)
        self._path = Path("results") / str(config.get("run", "")) / FILE if "run" in config else None

    def used_up(self) -> str | None:
        """What was said when this very budget was used up; None while it is not. A larger one is another."""
        if self._path is None or not self._bounds:
            return None
        with suppress(OSError, orjson.JSONDecodeError):
            found = orjson.loads(self._path.read_bytes())
            if isinstance(found, dict) and found.get("budget") == self._bounds and isinstance(found.get("what"), str):
                return plain_text(found["what"], _MOST_CHARACTERS)
        return None

    def check(self) -> None:
        """Raises UserError if it is used up."""
        what = self.used_up()
        if what is not None:
            raise UserError(what, remedy=REMEDY)

    def close(self, what: str) -> None:
        """From now on it is used up. Raises OSError."""
        if self._path is not None:
            with AtomicFile(self._path) as file:
                file.write(orjson.dumps({"what": what, "budget": self._bounds}, option=orjson.OPT_APPEND_NEWLINE))

    def open(self) -> None:
        """A new start: what was spent is counted again. A command without a budget leaves that of another alone.
        Raises OSError."""
        if self._path is not None and self._bounds:
            self._path.unlink(missing_ok=True)

    @asynccontextmanager
    async def watched(self, stop: Callable[[str], object], every_s: float = LOOK_EVERY_S) -> AsyncIterator[None]:
        """While the body runs: `stop` is told what was said when the budget is used up."""
        watch = asyncio.create_task(self._watch(stop, every_s)) if self._path is not None and self._bounds else None
        try:
            yield
        finally:
            if watch is not None:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)

    async def _watch(self, stop: Callable[[str], object], every_s: float) -> None:
        while (what := self.used_up()) is None:
            await asyncio.sleep(every_s)
        stop(what)


def bounds_of(config: Mapping[str, Any]) -> dict[str, float]:
    """The bounds of `budget` in config that are set: `usd`, `gpu_hours`."""
    section = config.get("budget")
    found = section if isinstance(section, dict) else {}
    return {unit: float(found[unit]) for unit in ("usd", "gpu_hours") if found.get(unit) is not None}
