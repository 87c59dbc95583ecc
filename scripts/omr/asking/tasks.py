"""Work that goes on under a watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

One = TypeVar("One")
Other = TypeVar("Other")


async def first_to_end(work: Awaitable[Any], watch: Awaitable[Any]) -> None:
    """Await the work; an error of the watch ends it and is raised. Neither goes on after this."""
    tasks = working, watching = asyncio.ensure_future(work), asyncio.ensure_future(watch)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and watching.done():
            watching.result()
        await working
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def both(one: Awaitable[One], other: Awaitable[Other]) -> tuple[One, Other]:
    """Await two works at once; an error of either ends the other and is raised."""
    tasks = first, second = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        return await asyncio.gather(first, second)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
