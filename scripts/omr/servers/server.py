"""A model server as a job sees it: start it, watch it, start it again, stop it, whatever serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from omr.models.model import ModelSpec
from omr.servers.died import ServerDied
from omr.servers.endpoint import check_endpoint
from omr.servers.load import Load

OnEvent = Callable[[str], None]


class ModelServer:
    """Base of all servers; an async context manager that starts on entry and stops on exit, whatever happens.

    `base_url` ends in `/v1` and is to be read anew after `restart`; `served_name` is the model's name in requests.
    """

    base_url: str
    served_name: str
    #: Whether it is on this node: then requests must go past the site's proxies.
    is_local = True
    #: Seconds that its latest start took; None where nothing is started.
    start_s: float | None = None

    @property
    def base_urls(self) -> tuple[str, ...]:
        """All base URLs, where requests are spread over several."""
        return (self.base_url,)

    async def start(self) -> None:
        """Start, and return when requests may be sent. Raises UserError (ServerDied if it ended while loading)."""
        raise NotImplementedError

    async def restart(self) -> None:
        """Stop what is left and start again. Raises ServerDied once the model's `restarts` are used up."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop, and return when no process is left. May be called at any time, repeatedly."""
        raise NotImplementedError

    async def wait_dead(self, waiting: Callable[[], int] = lambda: 0) -> ServerDied:
        """Return when the server ended, answers /health only with errors, or hangs.

        It hangs when `waiting()` requests wait for replies, but `note_progress` was not called for the model's
        `stall_timeout_s`.
        """
        raise NotImplementedError

    def note_progress(self) -> None:
        """A reply has come."""

    async def load(self) -> Load | None:
        """How busy it is; None if it does not say."""
        return None

    def failure(self) -> ServerDied | None:
        """How the server ended, if it did."""
        return None

    async def __aenter__(self) -> ModelServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.stop()


class EndpointServer(ModelServer):
    """A server that is there already. Its absence is the client's business: it may come back by itself."""

    is_local = False

    def __init__(self, spec: ModelSpec, on_event: OnEvent) -> None:
        self.spec = spec
        self.base_url = spec.base_urls[0]
        self.served_name = spec.served_name
        self._on_event = on_event

    @property
    def base_urls(self) -> tuple[str, ...]:
        return self.spec.base_urls

    async def start(self) -> None:
        await check_endpoint(self.spec, self._on_event, one_is_enough=True)

    async def restart(self) -> None:
        raise ServerDied(f"{self.base_url} is not ours to start again", Path("/dev/null"), "")

    async def stop(self) -> None:
        """Nothing to stop."""

    async def wait_dead(self, waiting: Callable[[], int] = lambda: 0) -> ServerDied:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
