"""The routes of the batch API (see omr/replay/batches.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from aiohttp import web

from omr.replay.batches import Batches
from omr.replay.counts import RequestCounts
from omr.replay.delivery import drop_connection, send_bytes, send_faulty, send_whole
from omr.replay.dialects import Dialect
from omr.replay.faults import REPLYLESS_KINDS, Fault, choose_fault


class BatchRoutes:
    """Handlers of the batch API; `check` raises for a request that may not be answered, `closing` ends what hangs."""

    def __init__(
        self,
        batches: Batches,
        dialect: Dialect,
        faults: Sequence[Fault],
        counts: RequestCounts,
        check: Callable[[web.Request], None],
        closing: asyncio.Event,
    ) -> None:
        self._batches, self._dialect, self._faults = batches, dialect, faults
        self._counts, self._check, self._closing = counts, check, closing

    def add_to(self, app: web.Application) -> None:
        router = app.router
        router.add_post("/v1/files", self._upload)
        router.add_get("/v1/files/{id}/content", self._download)
        router.add_post("/v1/batches", self._create)
        router.add_get("/v1/batches", self._list)
        router.add_get("/v1/batches/{id}", self._look)

    async def _answer(self, request: web.Request, name: str, do: Callable[[], Any]) -> web.StreamResponse:
        """Answer with what `do` gives (a JSON body, bytes of a file, or None: there is no such thing)."""
        self._check(request)
        fault = choose_fault(self._faults, name, self._counts.begin(name))
        self._counts.end()
        if fault is not None and fault.kind in REPLYLESS_KINDS:
            error = self._dialect.error_body(fault.status, fault.message)
            return await send_faulty(request, fault, error, self._closing)
        found = do()
        if fault is not None and fault.kind == "lose":
            return drop_connection(request, reset=True)
        if found is None:
            raise self._dialect.refusal(404, "there is no such file or batch: not found")
        if isinstance(found, bytes):
            return await send_bytes(request, 200, found, {"Content-Type": "application/octet-stream"})
        return await send_whole(request, 200, found)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file = form.get("file")
        if form.get("purpose") != "batch" or not isinstance(file, web.FileField):
            raise self._dialect.refusal(400, "a file for the purpose `batch` is wanted")
        content = file.file.read()
        return await self._answer(request, "batch/upload", lambda: self._batches.upload(content))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        number = request.match_info["id"]
        return await self._answer(request, "batch/download", lambda: self._batches.files.get(number))

    async def _create(self, request: web.Request) -> web.StreamResponse:
        asked = orjson.loads(await request.read())

        def create() -> Any:
            wrong = choose_fault(self._faults, "batch/validate", self._counts.begin("batch/validate"))
            self._counts.end()
            return self._batches.create(asked, None if wrong is None else wrong.message)

        return await self._answer(request, "batch/create", create)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        after, limit = request.query.get("after"), int(request.query.get("limit", "20"))
        return await self._answer(request, "batch/list", lambda: self._batches.listed(after, limit))

    async def _look(self, request: web.Request) -> web.StreamResponse:
        batch = self._batches.batches.get(request.match_info["id"])
        return await self._answer(request, "batch/look", lambda: None if batch is None else self._batches.shown(batch))
