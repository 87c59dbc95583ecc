"""A model server that a job starts as its own child, on one node or several."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.died import ServerDied
from omr.servers.launch import ServerKind
from omr.servers.load import Load
from omr.servers.probing import Prober, RefusedError, UnreachableError, what_is_missing
from omr.servers.process import ServerProcess
from omr.servers.server import ModelServer, OnEvent
from omr.servers.sites import ServerSite

_PORT_TRIES = 4
#: A server is found ready at most this share of its start later than it was.
_POLL_SHARE = 0.1
T = TypeVar("T")


class Watch(NamedTuple):
    """How closely a server is watched. A busy server may miss a health check; a dead one misses all."""

    poll_s: float = 0.5  # a server that starts is asked sooner, by the time that it has taken
    health_every_s: float = 10.0
    unhealthy_s: float = 60.0
    restart_pause_s: float = 30.0  # before another restart when one has failed; something else may have to come back


class StartedServer(ModelServer):
    """See ModelServer. `log_path` gets all that the server prints, `scratch` is a folder for small files."""

    def __init__(
        self,
        kind: ServerKind,
        spec: ModelSpec,
        site: ServerSite,
        log_path: Path,
        scratch: Path,
        on_event: OnEvent,
        watch: Watch,
    ) -> None:
        self.spec, self.site, self.scratch = spec, site, scratch
        self.served_name = kind.served_name(spec)
        self.base_url = ""
        self.restarts = 0
        self._kind, self._on_event, self._watch = kind, on_event, watch
        self._process = ServerProcess(kind, spec, site, log_path, scratch, on_event)
        self._last_progress = 0.0

    # ---- start -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        spec = self.spec
        if spec.is_local and not os.path.exists(spec.path):
            raise UserError(f"the model {spec.name!r} is not there: {spec.path}", remedy="check its `path` in config")
        if self._kind.uses_gpus and self.site.check_gpus and spec.gpus and spec.nodes == 1:
            from omr.servers.gpus import check_gpus

            await asyncio.to_thread(check_gpus, spec.gpus, self.site.min_driver, self._on_event, os.environ)
        for tries_left in reversed(range(_PORT_TRIES)):
            try:
                await self._start_once()
                return
            except ServerDied as died:
                if not died.port_taken or not tries_left:
                    raise
                self._on_event("a port was taken in the meantime: trying others")

    async def _start_once(self) -> None:
        started = time.monotonic()
        try:
            await self._process.start()
            self.base_url = f"http://127.0.0.1:{self._process.port}/v1"
            await self._until_ready()
        except BaseException:
            await self.stop()
            raise
        self.note_progress()
        self.start_s = time.monotonic() - started
        self._on_event(f"{self._kind.name} serves {self.served_name} after {self.start_s:.0f} s")

    async def _until_ready(self) -> None:
        began = time.monotonic()
        deadline = began + self.spec.ready_timeout_s
        missing: str | None = "no port yet"
        async with Prober(direct=True) as prober:
            while (left := deadline - time.monotonic()) > 0:
                if (root := self._root()) is not None:
                    question = what_is_missing(
                        prober, root, self.served_name, self._kind.completes_when_ready, max(left, 1.0)
                    )
                    try:
                        missing = await self._unless_it_ends(question)
                    except RefusedError as error:
                        raise self._died(str(error)) from error
                    if missing is None:
                        return
                pause = max(0.02, (time.monotonic() - began) * _POLL_SHARE)
                await self._unless_it_ends(asyncio.sleep(min(self._watch.poll_s, pause)))
        raise self._died(f"was not ready after {self.spec.ready_timeout_s:.0f} s: {missing}")

    def _root(self) -> str | None:
        """The server's URL without /v1; None while it has not told its port."""
        if self._kind.picks_port:
            try:
                port = int(self._kind.port_file(self.scratch).read_text())
            except (OSError, ValueError):
                return None
            self.base_url = f"http://127.0.0.1:{port}/v1"
        return self.base_url.removesuffix("/v1")

    async def _unless_it_ends(self, question: Awaitable[T]) -> T:
        """The answer to a question to the server. Raises ServerDied at once when it ends."""
        task, end = asyncio.ensure_future(question), asyncio.ensure_future(self._until_exit())
        try:
            await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise end.result()
        finally:
            for waiter in (task, end):
                waiter.cancel()
            await asyncio.gather(task, end, return_exceptions=True)

    # ---- watch -------------------------------------------------------------------------------------------------

    async def wait_dead(self, waiting: Callable[[], int] = lambda: 0) -> ServerDied:
        watchers = [self._until_exit(), self._until_unhealthy(), self._until_stalled(waiting)]
        tasks = [asyncio.ensure_future(watcher) for watcher in watchers]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def note_progress(self) -> None:
        self._last_progress = time.monotonic()

    def failure(self) -> ServerDied | None:
        return self._process.failure()

    async def load(self) -> Load | None:
        metrics = self._kind.load_metrics
        if metrics is None:
            return None
        async with Prober(direct=True) as prober:
            try:
                answer = await prober.get(f"{self._root()}/metrics", 10.0)
            except UnreachableError:
                return None  # too busy, or being started again
        return metrics.read(answer.body) if answer.status == 200 else None

    async def _until_exit(self) -> ServerDied:
        while (died := self.failure()) is None:
            await asyncio.sleep(self._watch.poll_s)
        return died

    async def _until_unhealthy(self) -> ServerDied:
        since: float | None = None
        async with Prober(direct=True) as prober:
            while True:
                await asyncio.sleep(self._watch.health_every_s)
                try:
                    answer = await prober.get(f"{self._root()}/health", 30.0)
                    fault = f"/health answers {answer.status}" if answer.status >= 500 else None
                except UnreachableError as error:
                    if not error.refused:
                        continue  # too busy to answer in time, which says neither this nor that
                    fault = "nobody listens any more"
                since = None if fault is None else since or time.monotonic()
                if since is not None and time.monotonic() - since >= self._watch.unhealthy_s:
                    return self._died(f"is dead although it runs: {fault} for {_ago(since)} s")

    async def _until_stalled(self, waiting: Callable[[], int]) -> ServerDied:
        self.note_progress()
        while True:
            await asyncio.sleep(self._watch.poll_s)
            if not waiting():
                self.note_progress()
            elif time.monotonic() - self._last_progress > self.spec.stall_timeout_s:
                what = f"{waiting()} requests wait, but none was answered for {_ago(self._last_progress)} s"
                return self._died(f"hangs: {what}")

    def _died(self, what: str) -> ServerDied:
        return self._process.died(f"{self._process.title} {what}")

    # ---- stop --------------------------------------------------------------------------------------------------

    async def restart(self) -> None:
        await self.stop()
        while self.restarts < self.spec.restarts:
            self.restarts += 1
            self._on_event(f"starting it again ({self.restarts} of {self.spec.restarts} times)")
            try:
                await self.start()
                return
            except ServerDied as died:
                self._on_event(f"that failed: {died.what}")
            if self.restarts < self.spec.restarts:
                await asyncio.sleep(self._watch.restart_pause_s)
        raise self._died(f"died, and all {self.spec.restarts} restarts are used up")

    async def stop(self) -> None:
        await self._process.stop()


def _ago(since: float) -> str:
    return f"{time.monotonic() - since:.0f}"
