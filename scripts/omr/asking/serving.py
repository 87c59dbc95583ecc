"""Drains requests through a model server: starts it, watches it, restarts it, and stops it whatever happens."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from omr.asking.draining import Drain
from omr.asking.hosts import Endpoint
from omr.asking.requests import Request
from omr.asking.tasks import both, first_to_end
from omr.models.model import ModelSpec
from omr.servers import node_notes
from omr.servers.endpoint import api_key
from omr.servers.load_watch import ASK_EVERY_S, watch_load
from omr.servers.opened import open_server
from omr.servers.server import ModelServer
from omr.servers.sites import ServerSite

T = TypeVar("T")


async def drain_through_server(
    drain: Drain,
    plan: Callable[[], Awaitable[Iterator[Request]]],
    model: ModelSpec,
    site: ServerSite,
    server_log: Path,
    say: Callable[[str], None],
    load_every_s: float = ASK_EVERY_S,
    on_start: Callable[[float], None] = lambda seconds: None,
) -> None:
    """Ask a server of `model` (the drain's, as it is served) all requests of `plan`, which is awaited while the server
    starts; it ends with this call.

    Every `load_every_s` it is asked how busy it is; `on_start` is told the seconds that it took to start. Raises
    UserError when the server cannot be started (any more) or too many requests fail, and what `plan` raises.
    """
    with ExitStack() as stack:
        with node_notes.starting(model.is_started):
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="omr-server-"))
        server = open_server(model, log_path=server_log, scratch=Path(scratch), site=site, on_event=say)
        try:
            requests = await _unless_stopped(drain, both(plan(), _started(server, model)))
            if requests is None:
                return
            if server.start_s is not None:
                on_start(server.start_s)
            _connect(drain, server)
            drain.on_reply = server.note_progress
            async with _load_watched(drain, server, say, load_every_s):
                await first_to_end(drain.run(requests[0]), _keep_alive(drain, server, say))
        finally:
            await server.stop()


async def _started(server: ModelServer, model: ModelSpec) -> None:
    with node_notes.starting(model.is_started):
        await server.start()
    if model.is_started:
        node_notes.note(node_notes.SERVED)


def _connect(drain: Drain, server: ModelServer) -> None:
    key = api_key(drain.client.spec)
    drain.client.connect([Endpoint(url, key, server.served_name) for url in server.base_urls])


@asynccontextmanager
async def _load_watched(
    drain: Drain, server: ModelServer, say: Callable[[str], None], every_s: float
) -> AsyncIterator[None]:
    """While the body runs: ask the server how busy it is. What goes wrong with that is only told."""

    def tell(load: str) -> None:
        drain.progress.load = load

    watch = asyncio.create_task(watch_load(server.load, lambda: drain.is_full, drain.full_load, tell, every_s))
    try:
        yield
    finally:
        watch.cancel()
        (fault,) = await asyncio.gather(watch, return_exceptions=True)
        if isinstance(fault, Exception):
            say(f"warning: the server's load was not watched to the end: {fault!r}")
        tell("")


async def _unless_stopped(drain: Drain, start: Awaitable[T]) -> T | None:
    """Await what comes first; None, and it is broken off, if the job is told to stop meanwhile."""
    starting, stop = asyncio.ensure_future(start), asyncio.ensure_future(drain.stop_asked.wait())
    try:
        await asyncio.wait({starting, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return None
        started = starting.result()
        return None if drain.stopped else started
    finally:
        for task in (starting, stop):
            task.cancel()
        await asyncio.gather(starting, stop, return_exceptions=True)


async def _keep_alive(drain: Drain, server: ModelServer, say: Callable[[str], None]) -> None:
    """Start the server again whenever it dies; requests wait meanwhile. Raises ServerDied when it is beyond help."""
    while True:
        died = await server.wait_dead(lambda: drain.waiting)
        if drain.stopped:
            return
        say(f"the server is gone: {died.what}")
        with node_notes.serving():
            await server.restart()
        _connect(drain, server)
