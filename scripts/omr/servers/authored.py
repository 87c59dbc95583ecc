"""Authored replies, answered by the job itself: asked over HTTP like any server, but without a process to start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from omr.models.model import ModelSpec
from omr.replay.app import ServerOptions
from omr.replay.replies import ReplyFolder
from omr.replay.server import ReplayServer
from omr.servers.died import ServerDied
from omr.servers.server import ModelServer, OnEvent


class AuthoredServer(ModelServer):
    """Serves the folder `replies` of a model, on this node's loopback and in the event loop of the job.

    For samples: a laptop has its first run sooner where no job starts another Python for them. It lives as long as the
    job does, so there is nothing to watch. Starting raises UserError for a folder that is not as it should be.
    """

    def __init__(self, spec: ModelSpec, on_event: OnEvent) -> None:
        self.spec = spec
        self.served_name = spec.served_name
        self.base_url = ""
        self._on_event = on_event
        self._server: ReplayServer | None = None

    async def start(self) -> None:
        started = time.monotonic()
        self._server = ReplayServer(ReplyFolder(str(self.spec.replies)), ServerOptions(model=self.served_name))
        await self._server.start()
        self.base_url = self._server.base_url
        self.start_s = time.monotonic() - started
        self._on_event(f"the authored replies of {self.spec.replies} are served as {self.served_name}")

    async def restart(self) -> None:
        raise ServerDied(f"{self.base_url} is part of this job", Path("/dev/null"), "")

    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def wait_dead(self, waiting: Callable[[], int] = lambda: 0) -> ServerDied:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
