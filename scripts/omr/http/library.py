"""HTTP as pyreqwest speaks it: with TLS, proxies, HTTP/2 and name resolution of its own.

Its cost per request is a fraction of the pure Python clients' (see the README's table), and its one wheel without
dependencies installs beside any model server.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from pyreqwest import exceptions
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

from omr.http.answer import Answer, AnswerTimeoutError, Ask, ConnectError, HttpError, TooLargeError, is_event_stream
from omr.http.cancelling import heed_cancelling


class LibraryHttp:
    """Requests through pyreqwest. `direct` goes past proxies; `most_idle`: connections that are kept per host."""

    def __init__(self, connect_timeout_s: float, idle_s: float, most_idle: int, direct: bool) -> None:
        builder = ClientBuilder().connect_timeout(timedelta(seconds=connect_timeout_s)).follow_redirects(False)
        builder = builder.pool_idle_timeout(timedelta(seconds=idle_s)).pool_max_idle_per_host(most_idle)
        self._client: Client = (builder.no_proxy() if direct else builder).build()

    async def close(self) -> None:
        await self._client.close()

    async def ask(self, asked: Ask) -> Answer:
        """Raises HttpError, and what `read_events` raises."""
        builder = self._client.request(asked.method, asked.url).headers(asked.headers)
        builder = builder.timeout(timedelta(seconds=asked.timeout_s))
        if asked.request_id is not None:
            builder = builder.header("X-Request-Id", asked.request_id)
        if asked.content:
            builder = builder.body_bytes(asked.content)
        if asked.read_events is not None:
            builder = builder.streamed_read_buffer_limit(0)  # else the library itself waits for the first 64 KB
        try:
            async with builder.build_streamed() as response:
                heed_cancelling()
                return await _answer(response, asked)
        except PyreqwestError as error:
            heed_cancelling()
            raise _fault_of(error, asked.timeout_s) from error


def text_header(response: Any, name: str) -> str | None:
    """A header of a response of pyreqwest; None where there is none, or one that is no text."""
    try:
        found: str | None = response.get_header(name)
    except ValueError:
        return None
    return found


async def _answer(response: Any, asked: Ask) -> Answer:
    header = partial(text_header, response)

    async def read_chunk() -> bytes | None:
        try:
            chunk = await response.body_reader.read_chunk()
        except PyreqwestError as error:
            heed_cancelling()
            raise _fault_of(error, asked.timeout_s) from error
        heed_cancelling()
        return None if chunk is None else bytes(chunk)

    if asked.read_events is not None and is_event_stream(response.status, header):
        return Answer(response.status, header, b"", await asked.read_events(read_chunk))
    # All at once: every call wakes the event loop anew, which costs more than to parse what it brings.
    body = await response.body_reader.read(asked.most_bytes + 1)
    heed_cancelling()
    content = b"" if body is None else bytes(body)
    if len(content) > asked.most_bytes:
        raise TooLargeError(response.status, asked.most_bytes)
    return Answer(response.status, header, content)


def _fault_of(error: PyreqwestError, timeout_s: float) -> HttpError:
    if isinstance(error, exceptions.ConnectError):
        return ConnectError(cause_of(error))
    if isinstance(error, RequestTimeoutError):
        if _was_connecting(error):
            return ConnectError(cause_of(error), refused=False)
        return AnswerTimeoutError(f"no whole answer within {timeout_s:g} s")
    return HttpError(cause_of(error))


def _was_connecting(error: RequestTimeoutError) -> bool:
    """Whether time ran out before there was a connection. The library's classes do not tell: any wait for the head of
    an answer is a `ConnectTimeoutError`. Its causes do."""
    return any("(Connect)" in cause["message"] for cause in (error.details or {}).get("causes") or ())


def cause_of(error: PyreqwestError) -> str:
    """What stands innermost behind an error of the network; never an address, which may hold a key."""
    causes = (getattr(error, "details", None) or {}).get("causes") or ()
    inner = [str(cause["message"]) for cause in causes if "://" not in str(cause["message"])]
    said = inner[-1] if inner else error.message
    if "InvalidContentType" in said:  # what rustls makes of an answer in plain text
        said = "wrong version: https:// was asked of a server that speaks plain http://"
    return said if said == error.message else f"{error.message}: {said}"
