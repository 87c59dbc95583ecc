"""The routes of the batch API (see omr/replay/batches.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from omr.replay.batches import Batches
from omr.replay.counts import RequestCounts
from omr.replay.delivery import drop_connection, send_bytes, send_faulty, send_whole
from omr.replay.dialects import Dialect
from omr.replay.faults import REPLYLESS_KINDS, Fault, choose_fault
from omr.replay.http_server import Request, Routes


class BatchRoutes:
    """Handlers of the batch API; `check` raises for a request that may not be answered, `closing` ends what hangs."""

    def __init__(
        self,
        batches: Batches,
        dialect: Dialect,
        faults: Sequence[Fault],
        counts: RequestCounts,
        check: Callable[[Request], None],
        closing: asyncio.Event,
    ) -> None:
        self._batches, self._dialect, self._faults = batches, dialect, faults
        self._counts, self._check, self._closing = counts, check, closing

    def add_to(self, routes: Routes) -> None:
        routes.add("POST", "/v1/files", self._upload)
        routes.add("GET", "/v1/files/{id}/content", self._download)
        routes.add("POST", "/v1/batches", self._create)
        routes.add("GET", "/v1/batches", self._list)
        routes.add("GET", "/v1/batches/{id}", self._look)

    async def _answer(self, request: Request, name: str, do: Callable[[], Any]) -> None:
        """Answer with what `do` gives (a JSON body, bytes of a file, or None: there is no such thing)."""
        self._check(request)
        fault = choose_fault(self._faults, name, self._counts.begin(name))
        self._counts.end()
        if fault is not None and fault.kind in REPLYLESS_KINDS:
            error = self._dialect.error_body(fault.status, fault.message)
            await send_faulty(request, fault, error, self._closing)
            return
        found = do()
        if fault is not None and fault.kind == "lose":
            drop_connection(request, reset=True)
            return
        if found is None:
            raise self._dialect.refusal(404, "there is no such file or batch: not found")
        if isinstance(found, bytes):
            await send_bytes(request, 200, found, {"Content-Type": "application/octet-stream"})
        else:
            await send_whole(request, 200, found)

    async def _upload(self, request: Request) -> None:
        fields = _form(request)
        if fields.get("purpose") != b"batch" or "file" not in fields:
            raise self._dialect.refusal(400, "a file for the purpose `batch` is wanted")
        await self._answer(request, "batch/upload", lambda: self._batches.upload(fields["file"]))

    async def _download(self, request: Request) -> None:
        number = request.place["id"]
        await self._answer(request, "batch/download", lambda: self._batches.files.get(number))

    async def _create(self, request: Request) -> None:
        asked = orjson.loads(request.content)

        def create() -> Any:
            wrong = choose_fault(self._faults, "batch/validate", self._counts.begin("batch/validate"))
            self._counts.end()
            return self._batches.create(asked, None if wrong is None else wrong.message)

        await self._answer(request, "batch/create", create)

    async def _list(self, request: Request) -> None:
        after, limit = request.query.get("after"), int(request.query.get("limit", "20"))
        await self._answer(request, "batch/list", lambda: self._batches.listed(after, limit))

    async def _look(self, request: Request) -> None:
        batch = self._batches.batches.get(request.place["id"])
        await self._answer(request, "batch/look", lambda: None if batch is None else self._batches.shown(batch))


def _form(request: Request) -> dict[str, bytes]:
    """The fields of a form with files (multipart/form-data, RFC 7578); none if it cannot be read."""
    from email.parser import BytesParser  # only hosts of batches are sent forms
    from email.policy import HTTP

    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode("utf-8", "replace")
    fields = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + request.content).iter_parts():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content
    return fields
