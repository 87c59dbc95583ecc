"""The calls of an OpenAI-compatible batch API: upload, submit, look, list, fetch.

What fails in passing is tried again as long as the model's `max_outage_s`. Submitting is the exception: a request whose
answer is lost may have been taken, and is told from one that was not only by looking at what the host has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.multipart import FormBuilder, PartBuilder

from omr.asking.outcomes import FinalError, TransientError
from omr.asking.reading import parse_body
from omr.asking.refusals import Refusals, Refused
from omr.asking.waits import Waits
from omr.batches.lines import ROUTE
from omr.errors import UserError
from omr.http.cancelling import heed_cancelling
from omr.http.library import text_header
from omr.models.model import ModelSpec
from omr.servers.error_bodies import parse_error_body, says_nothing, without_key

T = TypeVar("T")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
#: Longer than a host asks for nobody waits.
_LONGEST_RETRY_AFTER_S = 600.0
#: So long a host may say that it takes no batch for now, as long as a full queue is waited for: it is there, so that is
#: no outage, and others of the account, which take up to a day, may have to end first.
_LONGEST_BUSY_S = 24 * 3600.0
_CALL_TIMEOUT_S, _UPLOAD_TIMEOUT_S = 120.0, 3600.0
_PAGE = 100
#: What a host says to be more is no number of requests.
_MOST_COUNT = 10**9
#: Bodies of calls other than the fetching of a file.
_MOST_BYTES = 64 << 20
#: Under this key a batch carries its name.
_NAME = "omr_batch"
#: How a batch ends, by the words of several hosts.
_OVER = frozenset({"completed", "failed", "expired", "cancelled", "canceled"})


class Batch(NamedTuple):
    """A batch as its host tells it; `errors` are {"code", "message", "line"} of an input that was not taken."""

    id: str
    status: str
    output_file: str | None
    error_file: str | None
    errors: list[dict[str, Any]]
    progress: str

    @property
    def is_over(self) -> bool:
        return self.status in _OVER


class LostError(Exception):
    """Whether a batch was submitted is not known."""


class GoneError(Exception):
    """The host does not know a batch or a file any more."""


class BatchApi:
    """The batch API of a model's host (an async context manager); `key` is held in memory only and never shown."""

    def __init__(self, spec: ModelSpec, key: str | None, say: Callable[[str], None]) -> None:
        self._spec, self._say, self._waits = spec, say, Waits(say)
        (self._url,) = spec.base_urls
        self._refusals = Refusals(spec)
        self._key, self._headers = key, {"Authorization": f"Bearer {key}"} if key else {}
        builder = ClientBuilder().connect_timeout(timedelta(seconds=10)).follow_redirects(False)
        self._http: Client = builder.timeout(timedelta(seconds=_UPLOAD_TIMEOUT_S)).pool_max_idle_per_host(0).build()

    async def __aenter__(self) -> BatchApi:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.__aexit__(*exc)

    # ---- calls -------------------------------------------------------------------------------------------------

    async def upload(self, path: Path) -> str:
        """Upload a file of requests; its id at the host."""

        async def ask() -> str:
            part = (await PartBuilder.from_file(path)).file_name(f"{self._spec.name}.jsonl").mime("application/jsonl")
            form = FormBuilder().text("purpose", "batch").part("file", part)
            sent = await self._sent(self._http.post(f"{self._url}/files").multipart(form), {}, _UPLOAD_TIMEOUT_S)
            return _text(sent, "id")

        try:
            return await self._again(ask)
        except GoneError as error:
            raise UserError(
                f"{self._url} takes no files of requests ({error})",
                remedy=f"set `server: endpoint` of the model {self._spec.name!r}: then it is asked request by request",
            ) from error

    async def submit(self, file: str, name: str) -> str:
        """Submit an uploaded file as a batch; its id at the host.

        Raises LostError when nobody knows whether it was; UserError when it was not.
        """
        asked: dict[str, Any] = {"input_file_id": file, "endpoint": ROUTE, "metadata": {_NAME: name}}
        asked["completion_window"] = self._spec.completion_window
        started, pauses = time.monotonic(), _Pauses()
        while True:
            content = orjson.dumps(asked)
            builder = self._http.post(f"{self._url}/batches").header("Content-Type", "application/json")
            try:
                return _text(await self._sent(builder.body_bytes(content), asked), "id")
            except PyreqwestError as error:
                heed_cancelling()
                raise LostError(f"{type(error).__name__}: {error.message}") from error
            except TransientError as error:
                if error.status != 429:  # which refuses it, in so many words
                    raise LostError(f"{error.kind}: {error.message[:300]}") from error
                if time.monotonic() - started > _LONGEST_BUSY_S:
                    what = f"{self._url} has taken no batch for {_LONGEST_BUSY_S / 3600:.0f} hours"
                    remedy = "see there what this account has queued, and run again: nothing was submitted"
                    raise UserError(f"{what}: {error.message[:300]}", remedy=remedy) from error
                await self._pause(error.kind, error.message, pauses.next_s(error.retry_after_s))
            except (UserError, FinalError) as error:
                # Some hosts know no metadata: then a batch is known by its file.
                if asked.pop("metadata", None) is not None and "metadata" in str(error):
                    continue
                if isinstance(error, UserError):
                    raise
                what = f"{self._url} does not take a batch: {error.message[:300]}"
                raise UserError(what, remedy="see what it says; nothing was submitted") from error

    async def find(self, file: str, name: str) -> str | None:
        """The id of the batch with this name or this file among all of the host's; None if there is none.

        Raises GoneError where the list cannot be had.
        """
        after, seen = "", set[str]()
        while True:
            batches, goes_on = await self._again(partial(self._page, after))
            for number, entry in batches.items():
                metadata = entry.get("metadata")
                named = metadata.get(_NAME) if isinstance(metadata, dict) else None
                if named == name or entry.get("input_file_id") == file:
                    return number
            if not goes_on:
                return None
            if not batches.keys() - seen:
                raise GoneError("it lists the same batches again and again")
            seen |= batches.keys()
            after = f"&after={list(batches)[-1]}"

    async def _page(self, after: str) -> tuple[dict[str, dict[str, Any]], bool]:
        """Some batches of the host by their ids, and whether there are more."""
        page = await self._get(f"/batches?limit={_PAGE}{after}")
        entries = page.get("data")
        batches = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        return {_text(entry, "id"): entry for entry in batches}, bool(batches and page.get("has_more"))

    async def look(self, number: str) -> Batch:
        """How a batch is. Raises GoneError."""
        return await self._again(partial(self._look, number))

    async def _look(self, number: str) -> Batch:
        found = await self._get(f"/batches/{number}")
        status = str(found.get("status")).lower()[:60]
        if not status or status == "none":
            raise UserError(
                f"{self._url} tells no status of the batch {number}", remedy="look at it at the host, and run again"
            )
        errors = found.get("errors")
        listed = errors.get("data") if isinstance(errors, dict) else errors
        faults = [fault for fault in listed if isinstance(fault, dict)] if isinstance(listed, list) else []
        output, failed = _file(found, "output_file_id"), _file(found, "error_file_id")
        return Batch(number, status, output, failed, faults, _progress(found))

    async def fetch(self, file: str, path: Path) -> None:
        """Write the content of a file at the host to `path`. Raises GoneError."""

        async def ask() -> None:
            builder = self._http.get(f"{self._url}/files/{file}/content").headers(self._headers)
            async with builder.build_streamed() as response:
                if response.status != 200:
                    content = without_key(bytes(await response.bytes()), self._key)
                    self._raise_for(response, content, {})
                with path.open("wb") as output:
                    while (chunk := await response.body_reader.read_chunk()) is not None:
                        heed_cancelling()
                        output.write(chunk)

        await self._again(ask)

    # ---- how -----------------------------------------------------------------------------------------------------

    async def _get(self, path: str) -> Any:
        return await self._sent(self._http.get(self._url + path), {})

    async def _sent(self, builder: Any, asked: dict[str, Any], timeout_s: float | None = None) -> Any:
        """The JSON of a good answer. Raises PyreqwestError, TransientError, FinalError, UserError, GoneError."""
        built = builder.headers(self._headers).timeout(timedelta(seconds=timeout_s or _CALL_TIMEOUT_S)).build_streamed()
        async with built as response:
            chunks, size = [], 0
            while size < _MOST_BYTES and (chunk := await response.body_reader.read_chunk()) is not None:
                chunks.append(bytes(chunk))
                size += len(chunk)
            content, status = without_key(b"".join(chunks), self._key), response.status
            if status not in (200, 201):
                self._raise_for(response, content, asked)
        found = parse_body(content)
        if not isinstance(found, dict):
            shown = parse_error_body(content)[:300]
            raise TransientError("unreadable_body", f"status {status} with a body that is no object: {shown}", 502)
        return found

    def _raise_for(self, response: Any, content: bytes, asked: dict[str, Any]) -> NoReturn:
        if response.status in (404, 410) and not asked:
            raise GoneError(parse_error_body(content)[:300])
        retry_after, location = text_header(response, "retry-after"), text_header(response, "location")
        self._refusals.raise_for(self._url, Refused(response.status, content, retry_after, location, asked))

    async def _again(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to a call that may be repeated. Raises UserError when it fails for too long, or for good."""
        started, pauses = time.monotonic(), _Pauses()
        while True:
            try:
                return await ask()
            except PyreqwestError as error:
                heed_cancelling()
                kind, message, after_s = "connection", f"{type(error).__name__}: {error.message}", 0.0
            except TransientError as error:
                kind, message, after_s = error.kind, error.message, error.retry_after_s or 0.0
            except FinalError as error:
                raise UserError(f"{self._url} refuses: {error.message[:300]}", remedy="see what it says") from error
            if time.monotonic() - started > self._spec.max_outage_s:
                raise UserError(
                    f"{self._url} has not answered for {self._spec.max_outage_s:.0f} s ({kind}: {message[:300]})",
                    remedy="run again when it does: what was submitted is noted, and fetched then",
                )
            await self._pause(kind, message, pauses.next_s(after_s))

    async def _pause(self, kind: str, message: str, pause_s: float) -> None:
        self._waits(kind, message, pause_s)
        await asyncio.sleep(pause_s)


class _Pauses:
    """How long to wait before each next try: twice as long as before the last one, or as the host asks."""

    def __init__(self) -> None:
        self._next_s = _FIRST_PAUSE_S

    def next_s(self, asked_s: float | None) -> float:
        pause_s = max(self._next_s, min(asked_s or 0.0, _LONGEST_RETRY_AFTER_S))
        self._next_s = min(2 * self._next_s, _LONGEST_PAUSE_S)
        return pause_s


def _progress(found: dict[str, Any]) -> str:
    """How many requests of a batch have a result, for people; empty where the host tells no numbers."""
    counts = found.get("request_counts")
    numbers = [counts.get(key) for key in ("completed", "total")] if isinstance(counts, dict) else [None]
    is_told = all(type(number) is int and 0 <= number < _MOST_COUNT for number in numbers)
    return " of ".join(map(str, numbers)) if is_told else ""


def _text(found: Any, key: str) -> str:
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, str) or not value or not value.isprintable() or "/" in value:
        raise TransientError("wrong_shape", f"an answer without `{key}`: {repr(found)[:300]}", 502)
    return value


def _file(found: dict[str, Any], key: str) -> str | None:
    return None if says_nothing(found.get(key)) else _text(found, key)
