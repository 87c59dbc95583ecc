"""A server is asked how busy it is for as long as a job has requests there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from omr.servers.full_load import FullLoad
from omr.servers.load import Load

#: How often a server is asked. Its own figures are of the moment.
ASK_EVERY_S = 15.0


async def watch_load(
    ask: Callable[[], Awaitable[Load | None]],
    is_full: Callable[[], bool],
    total: FullLoad,
    tell: Callable[[str], None],
    every_s: float = ASK_EVERY_S,
) -> None:
    """Until cancelled: `ask` the server how busy it is, `tell` that, and add to `total` the time when `is_full`.

    A server that does not say how busy it is stays without figures.
    """
    before: tuple[float, Load] | None = None
    while True:
        load, now = await ask(), time.monotonic()
        tell("" if load is None else str(load))
        after = None if load is None or not is_full() else (now, load)
        if before is not None and after is not None:
            total.add_between(before[1], after[1], after[0] - before[0])
        before = after
        await asyncio.sleep(every_s)
