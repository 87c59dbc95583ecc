"""Drains a stream of requests through a client into the reply store, with a bounded number of workers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from omr.asking.client import ChatClient
from omr.asking.progress import Progress
from omr.asking.requests import Request
from omr.asking.tasks import first_to_end
from omr.errors import UserError
from omr.replies.journal import ReplyStore
from omr.replies.reply import Reply
from omr.servers.full_load import FullLoad

_SYNC_EVERY_S = 5.0


@dataclass
class Drain:
    """One pass over the missing requests of a shard.

    `max_failed` final failures are borne; one more ends the pass with a UserError, so that a dead or misconfigured
    server cannot produce an empty dataset. `stop()` ends it early: no new requests, those in flight get `grace_s`.
    """

    client: ChatClient
    store: ReplyStore
    progress: Progress
    max_failed: int
    grace_s: float = 20.0
    failed: list[Reply] = field(default_factory=list)
    stop_asked: asyncio.Event = field(default_factory=asyncio.Event)
    again: Callable[[Request, Reply], Request | None] = lambda request, reply: None  # what to ask next for a request
    on_reply: Callable[[], None] = lambda: None  # told of every reply: the server's watch for a hang
    waiting: int = 0  # requests at the server; the watch for a hanging server reads it
    full_load: FullLoad = field(default_factory=FullLoad)  # what the server did while it had `concurrency` of them
    #: What answers a request in several steps of its own, entering `at_server` for each; by default the client does.
    #: None from it: it was told to stop before it had an answer.
    answer: Callable[[Request], Awaitable[Reply | None]] | None = None
    also_synced: Callable[[], None] = lambda: None  # besides the store, every few seconds, by a thread
    spare: int = 0  # requests in hand beyond `concurrency`, which do something else than wait for the server
    _workers: list[asyncio.Task[None]] = field(default_factory=list)

    async def run(self, requests: Iterator[Request]) -> None:
        """Ask all `requests`; returns when each has a reply in the store or stands in `failed`."""
        self._workers = [asyncio.create_task(self._work(requests)) for _ in range(self._at_once)]
        await self._until_done()

    async def run_instead(self, work: Coroutine[Any, Any, None]) -> None:
        """As `run`, by other work than asking request by request, which sees to it that it ends when `stopped`."""
        self._workers = [asyncio.create_task(work)]
        await self._until_done()

    async def _until_done(self) -> None:
        self.progress.phase = "asking"
        try:
            await first_to_end(asyncio.gather(*self._workers), self._beat())
        except asyncio.CancelledError:
            if not self.stopped:
                raise
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self, requests: Iterator[Request]) -> None:
        # All workers share one iterator: it is only ever advanced by one of them at a time.
        for first in requests:
            request: Request | None = first
            while request is not None:
                if self.stopped:
                    return
                reply = await (self.answer or self._ask)(request)
                if reply is None:
                    return
                self.keep(reply)
                request = self.again(request, reply)

    def keep(self, reply: Reply) -> None:
        """Store a reply, or bear that it failed for good. Raises UserError when too many did."""
        if reply["error"] is None:
            self.store.append(reply)
        else:
            self._bear(reply)
        self.progress.add(reply)
        self.on_reply()

    def note_turn(self) -> None:
        """A request was answered that is no whole reply: the server lives."""
        self.on_reply()

    async def _ask(self, request: Request) -> Reply:
        with self.at_server():
            return await self.client.ask(request)

    def at_server(self) -> AtServer:
        """While the body runs, one more request waits for the server."""
        return AtServer(self)

    @property
    def _at_once(self) -> int:
        return self.client.spec.in_flight + self.spare

    def _bear(self, reply: Reply) -> None:
        self.failed.append(reply)
        if len(self.failed) > self.max_failed:
            error = reply["error"]
            raise UserError(
                f"{len(self.failed)} requests failed for good, more than `max_failed_fraction` allows; "
                f"the last: {error['kind']}: {error['message'][:300]}",
                remedy="see the log; what was answered is kept, so run again when the cause is mended",
            )

    async def _beat(self) -> None:
        while True:
            self.progress.tick()
            # In a thread: a slow disk takes seconds, in which thousands of replies arrive.
            await asyncio.to_thread(self._sync)
            await asyncio.sleep(_SYNC_EVERY_S)

    def _sync(self) -> None:
        self.store.sync()
        self.also_synced()

    @property
    def is_full(self) -> bool:
        """Whether the server has as many requests as it may."""
        return self.waiting >= self.client.spec.in_flight

    @property
    def stopped(self) -> bool:
        """Whether the job was told to stop."""
        return self.stop_asked.is_set()

    def stop(self) -> None:
        """Take no new requests, and abandon those in flight after the grace period."""
        if not self.stopped:
            self.stop_asked.set()
            asyncio.get_running_loop().call_later(self.grace_s, self._abandon)

    def _abandon(self) -> None:
        for worker in self._workers:
            worker.cancel()


class AtServer:
    """See `Drain.at_server`; a class of its own, since `contextmanager` takes several times as long."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain

    def __enter__(self) -> None:
        self._drain.waiting += 1

    def __exit__(self, *exc: object) -> None:
        self._drain.waiting -= 1
