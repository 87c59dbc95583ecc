"""A task that is cancelled while it waits for HTTP ends, whatever the library makes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from omr.asking.client import ChatClient
from omr.asking.hosts import Endpoint
from omr.asking.requests import Request, Sampling
from omr.asking.streaming import read_stream
from omr.http.answer import Ask
from omr.http.library import LibraryHttp
from omr.models.model import ModelSpec
from omr.servers.probing import Prober

#: Nobody listens there: the fault is there at once.
AWAY = "http://127.0.0.1:9/v1"
SPEC = ModelSpec("m", "x", "endpoint", base_url=AWAY, retries=1000)
TIMES = 40


async def cancelled_with_the_fault_there(ask: Callable[[], Awaitable[Any]]) -> int:
    """How many of `TIMES` tasks that are cancelled when the fault has come do not end by that."""
    go_on = 0
    for _ in range(TIMES):
        task = asyncio.ensure_future(ask())
        await asyncio.sleep(0)
        time.sleep(0.005)  # the library's own threads go on, and this loop sees nothing of it
        if task.cancel():  # else it had come to its end already
            await asyncio.wait([task], timeout=30)
            go_on += not task.cancelled()
            task.cancel()
    return go_on


def test_what_the_library_carries_ends() -> None:
    async def run() -> int:
        http = LibraryHttp(10.0, 4.0, 8, direct=True)
        try:
            return await cancelled_with_the_fault_there(lambda: http.ask(Ask("GET", AWAY, {}, b"", 10.0, 1000)))
        finally:
            await http.close()

    assert asyncio.run(run()) == 0


def test_a_probe_of_an_endpoint_ends() -> None:
    async def run() -> int:
        async with ChatClient(SPEC, "s", Sampling(0.7, 1.0, 9)) as client:
            return await cancelled_with_the_fault_there(lambda: client._unreachable(Endpoint(AWAY)))

    assert asyncio.run(run()) == 0


def test_a_probe_of_a_server_ends() -> None:
    async def run() -> int:
        async with Prober(direct=True) as prober:
            return await cancelled_with_the_fault_there(lambda: prober.get(AWAY + "/models", 10.0))

    assert asyncio.run(run()) == 0


def test_a_request_ends() -> None:
    async def run() -> int:
        request = Request("r", "p", 0, [{"role": "user", "content": "1 + 1?"}], "0" * 16)
        async with ChatClient(SPEC, "s", Sampling(0.7, 1.0, 9), Endpoint(AWAY)) as client:
            return await cancelled_with_the_fault_there(lambda: client.ask(request))

    assert asyncio.run(run()) == 0


def test_a_stream_ends_though_a_piece_of_it_comes_in_place_of_the_cancellation() -> None:
    async def read_chunk() -> bytes:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return b": still here\n\n"
        return b""

    async def run() -> None:
        task = asyncio.create_task(read_stream(read_chunk, 60.0))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait_for(task, 30)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
