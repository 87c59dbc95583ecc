"""HTTP/1.1 over plain TCP: httptools reads it, the event loop's transports carry it.

For servers of the own node or network: no TLS, proxies or redirects, and no compression is asked for. All happens in
the event loop's thread; a library with threads of its own must wake that loop for every answer, which costs more than
to read it.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from omr.http.answer import Answer, AnswerTimeoutError, Ask, ConnectError, HttpError, TooLargeError, is_event_stream
from omr.http.encoded import decoded
from omr.http.reaching import Resolver, reach

#: Of a head, or of what stands between two pieces of a body that comes in chunks.
_MOST_HEAD_BYTES = 256 << 10
#: Of a stream, so much may wait to be read before the server is made to wait.
_MOST_WAITING_BYTES = 1 << 20
#: So often it is seen whether a time is over.
_LOOK_EVERY_S = 0.1
#: What servers send beside the standard, and all clients read: nobody else reads these answers, who could be misled.
_LENIENT = {
    "lenient_chunked_length": True,  # a length beside chunks: these count (RFC 9112, section 6.3)
    "lenient_optional_cr_before_lf": True,
    "lenient_spaces_after_chunk_size": True,
}
_NUMBER = re.compile(r"\[Errno (\d+)\]")
#: A connection that says nothing for a minute is asked whether the other side is still there (Linux's names).
_KEEP_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 4))


class _Target(NamedTuple):
    """Where requests for a URL go, and how their head begins, with headers that are the same for many."""

    host: str
    port: int
    headers: Mapping[str, str]
    head: bytes


def _target(asked: Ask) -> _Target:
    parts = urlsplit(asked.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{asked.method} {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
    lines += ["Accept: */*", "Accept-Encoding: identity", *(f"{name}: {told}" for name, told in asked.headers.items())]
    return _Target(parts.hostname or "", parts.port or 80, asked.headers, b"".join(map(_line, lines)))


def _line(line: str) -> bytes:
    """A line of a request's head. Raises HttpError for what would end it early, or is no text."""
    if not (line.isascii() and line.isprintable()):
        raise HttpError("a header or the address of the request has characters that cannot be sent")
    return line.encode() + b"\r\n"


class PlainHttp:
    """Keeps up to `most_idle` connections to a host open for `idle_s`, so that the next requests find them."""

    def __init__(self, connect_timeout_s: float, idle_s: float, most_idle: int) -> None:
        self._connect_timeout_s, self._idle_s, self._most_idle = connect_timeout_s, idle_s, most_idle
        self._targets: dict[tuple[str, str], _Target] = {}
        self._resolver = Resolver()
        self._idle: dict[tuple[str, int], list[_Connection]] = {}  # those that were used last are at the end
        self._open: set[_Connection] = set()
        self._looking: asyncio.TimerHandle | None = None

    async def close(self) -> None:
        """Close the connections that wait for requests."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        for connection in self._open:
            connection.transport.close()
        self._open.clear()

    async def ask(self, asked: Ask) -> Answer:
        """Raises HttpError, and what `read_events` raises."""
        target = self._target_of(asked)
        message = _message(asked, target)
        due = asyncio.get_running_loop().time() + asked.timeout_s
        if (connection := self._waiting(target)) is not None:
            try:
                return await self._ask(connection, target, message, asked, due)
            except ConnectError:
                pass  # most servers close what rests, and have not seen this request; it is sent once more in any case
        connection = await self._connect(target, min(self._connect_timeout_s, asked.timeout_s))
        return await self._ask(connection, target, message, asked, due)

    async def _ask(self, connection: _Connection, target: _Target, message: bytes, asked: Ask, due: float) -> Answer:
        try:
            answer = await connection.ask(message, asked, due)
        except BaseException:
            # The server is to see that nobody waits any more.
            connection.transport.abort()
            raise
        self._keep(target, connection)
        return answer

    def _target_of(self, asked: Ask) -> _Target:
        target = self._targets.get((asked.method, asked.url))
        if target is None or target.headers is not asked.headers:
            target = self._targets[asked.method, asked.url] = _target(asked)
        return target

    def _waiting(self, target: _Target) -> _Connection | None:
        """An open connection that nobody uses."""
        waiting = self._idle.get((target.host, target.port))
        now = asyncio.get_running_loop().time()
        while waiting:
            connection = waiting.pop()
            if connection.is_reusable and connection.due > now:
                return connection
            connection.transport.close()
        return None

    def _keep(self, target: _Target, connection: _Connection) -> None:
        waiting = self._idle.setdefault((target.host, target.port), [])
        if not connection.is_reusable or len(waiting) >= self._most_idle:
            connection.transport.close()
            return
        connection.due = connection.loop.time() + self._idle_s
        waiting.append(connection)

    def _look(self) -> None:
        """End what has taken too long. One look at all takes less than a timer for each request."""
        now = asyncio.get_running_loop().time()
        for connection in list(self._open):
            if connection.is_lost:
                self._open.discard(connection)
            elif connection.due <= now:
                connection.end()
        self._looking = None
        self._look_later()

    def _look_later(self) -> None:
        if self._looking is None and self._open:
            self._looking = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)

    async def _connect(self, target: _Target, timeout_s: float) -> _Connection:
        what = "no address for the name of the host"
        try:
            async with asyncio.timeout(timeout_s):
                addresses = await self._resolver.addresses(target.host)
            what = "no connection"
            async with asyncio.timeout(timeout_s):
                connection = await reach(partial(_Connection, asyncio.get_running_loop()), addresses, target.port)
        except TimeoutError:
            self._resolver.forget(target.host)
            raise ConnectError(f"{what} within {timeout_s:g} s", refused=False) from None
        except (OSError, UnicodeError) as error:  # the latter for names that no host can have
            self._resolver.forget(target.host)
            raise ConnectError(f"no connection: {_said(error)}") from error
        self._open.add(connection)
        self._look_later()
        return connection


def _said(error: BaseException) -> str:
    """What the operating system says, without the addresses that Python puts beside it."""
    if isinstance(error, socket.gaierror):
        return "the name of the host is not known"
    within = _NUMBER.search(str(error))  # of the first address, where there are several
    number = getattr(error, "errno", None) or (int(within[1]) if within else None)
    return os.strerror(number) if number else type(error).__name__


def _message(asked: Ask, target: _Target) -> bytes:
    """The request as it is sent."""
    length = b"Content-Length: %d\r\n\r\n" % len(asked.content)
    own = b"" if asked.request_id is None else _line(f"X-Request-Id: {asked.request_id}")
    return target.head + own + length + asked.content


class _Connection(asyncio.Protocol):
    """One connection, which carries one request after the other.

    `due`: when the request is to have its answer, or the connection its next request, by the event loop's clock.
    """

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.due = float("inf")
        self.is_lost = False
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**_LENIENT)
        self._is_asked = self._is_over = False
        self._fault: HttpError | None = None
        self._woken: asyncio.Future[None] | None = None
        self._clear()

    def _clear(self) -> None:
        """Forget the last answer."""
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._status = self._size = self._waiting = self._beside = 0
        self._has_head = self._is_whole = self._is_interim = self._is_stream = False

    # ---- a request ---------------------------------------------------------------------------------------------------

    @property
    def is_reusable(self) -> bool:
        """Whether another request can be sent."""
        return not (self.is_lost or self._is_over or self._is_asked or self.transport.is_closing())

    async def ask(self, message: bytes, asked: Ask, due: float) -> Answer:
        """Raises HttpError, and what `read_events` raises; the connection is to be closed then."""
        self._clear()
        self._is_asked, self.due, self._most_bytes = True, due, asked.most_bytes
        self._timeout_s, self._is_stream = asked.timeout_s, asked.read_events is not None
        self.transport.write(message)
        header = partial(_header, self._headers)
        if asked.read_events is not None:
            while not self._has_head:
                await self._wait()
            if is_event_stream(self._status, header):
                if (encoding := header("content-encoding")) not in (None, "identity"):
                    raise HttpError(f"the stream is compressed ({encoding}), which was not asked for")
                events = await asked.read_events(self._read_chunk)
                self._is_over = self._is_over or not self._is_whole  # it is read no further
                self._is_asked = False
                return Answer(self._status, header, b"", events)
            self._is_stream = False
            self.transport.resume_reading()
        while not self._is_whole:
            await self._wait()
        if self._size > asked.most_bytes:
            raise TooLargeError(self._status, asked.most_bytes)
        self._is_asked = False
        content = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        return Answer(
            self._status, header, decoded(content, header("content-encoding"), self._status, asked.most_bytes)
        )

    async def _read_chunk(self) -> bytes | None:
        while not self._pieces:
            if self._is_whole:
                return None
            await self._wait()
        chunk = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        self.transport.resume_reading()
        return chunk

    async def _wait(self) -> None:
        """Until something has come, or it is certain that nothing will."""
        if self._fault is None:
            self._woken = self.loop.create_future()
            await self._woken
        if self._fault is not None:
            raise self._fault

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def _fail(self, fault: HttpError) -> None:
        if self._fault is None:
            self._fault = fault
        self._wake()

    def end(self) -> None:
        """Its time is over."""
        if self._is_asked:
            self._fail(AnswerTimeoutError(f"no whole answer within {self._timeout_s:g} s"))
        else:
            self.transport.close()

    # ---- what the event loop calls -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        carrier: socket.socket = transport.get_extra_info("socket")
        carrier.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE:
            with suppress(OSError):
                if hasattr(socket, name):
                    carrier.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def data_received(self, data: bytes) -> None:
        if not self._is_asked or self._is_whole:  # said without being asked, as by a server that gives up waiting
            self._is_over = True
            self.transport.abort()
            return
        self._beside += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._fail(HttpError("the server wants to speak another protocol"))
        except HttpParserError as error:
            if not self._is_whole:
                self._fail(HttpError(f"what came is no HTTP: {str(error)[:200]}"))
            self._is_over = True
        if self._beside > _MOST_HEAD_BYTES:
            self._fail(HttpError(f"more than {_MOST_HEAD_BYTES} bytes of headers"))
        if self._fault is not None or self._is_whole or self._is_stream:
            self._wake()
        if self._fault is not None:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        if not self._is_asked or self._is_whole:
            return
        if self._has_head and error is None and not self._says_length:
            self._is_whole = True  # such a body ends with its connection
            self._wake()
        else:
            said = "" if error is None else f": {_said(error)}"
            if self._has_head:
                self._fail(HttpError(f"the connection was closed in the middle of the answer{said}"))
            else:
                self._fail(ConnectError(f"the connection was closed before there was an answer{said}"))

    @property
    def _says_length(self) -> bool:
        """Whether the head says where the body ends; other codings than chunks end with the connection."""
        return _has_length(self._headers) or _has_chunks(self._headers)

    # ---- what the parser calls ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._is_whole:  # another answer behind the first: to nobody's request
            self._is_over = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_whole:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._is_whole:
            return
        # Servers that contradict themselves are not trusted to say where the next answer begins.
        self._is_over = self._is_over or (_has_length(self._headers) and _has_chunks(self._headers))
        self._status = self._parser.get_status_code()
        self._is_interim = 100 <= self._status < 200
        self._has_head = not self._is_interim

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        self._size += len(body)
        if self._size > self._most_bytes and not self._is_stream:
            self._fail(TooLargeError(self._status, self._most_bytes))
        elif self._fault is None and not self._is_whole:
            self._pieces.append(body)
            self._waiting += len(body)
            if self._is_stream and self._waiting > _MOST_WAITING_BYTES:
                self.transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._headers.clear()
            self._is_interim = False
        elif self._has_head:
            self._is_whole = True
            # A server may answer before it has the whole request: what is left of that would follow.
            is_sent = self.transport.get_write_buffer_size() == 0
            self._is_over = self._is_over or not (is_sent and self._parser.should_keep_alive())


def _has_length(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == b"content-length" for name, _ in headers)


def _has_chunks(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == b"transfer-encoding" and b"chunked" in value.lower() for name, value in headers)


def _header(headers: list[tuple[bytes, bytes]], name: str) -> str | None:
    wanted = name.encode()
    for key, value in headers:
        if key.lower() == wanted:
            return value.decode() if value.isascii() else None
    return None
