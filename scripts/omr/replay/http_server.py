"""HTTP/1.1 for the replay server: h11 reads and frames messages, this passes them on and keeps what faults play with.

A full web framework takes longer to import than a short job of the demo has to ask, and hides the connection. One
handler gets every request when all of its body is there. It is cancelled when the client leaves.
"""

from __future__ import annotations

import asyncio
import re
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import h11

#: Whoever sends more gets 413.
_LARGEST_BYTES = 256 << 20


class Request:
    """A whole request, and the way to its answer: `start`, `write` as often as wanted, `end`.

    `headers` have names in lower case; `place` is what the route's braces stand for.
    """

    def __init__(self, connection: Connection, method: str, target: str, headers: Mapping[str, str], content: bytes):
        parts = urlsplit(target)
        self.method, self.path = method, unquote(parts.path)
        self.query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.headers, self.content = headers, content
        self.place: dict[str, str] = {}
        self._connection = connection

    @property
    def transport(self) -> asyncio.Transport:
        """The connection itself."""
        return self._connection.transport

    async def start(self, status: int, headers: Mapping[str, str], length: int | None = None) -> None:
        """Send the head of the answer; without a length its body goes out in chunks."""
        fields = {"Date": formatdate(usegmt=True), **headers}
        if length is not None:
            fields["Content-Length"] = str(length)
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        await self._connection.send(h11.Response(status_code=status, headers=list(fields.items()), reason=reason))

    async def write(self, content: bytes) -> None:
        """Send a part of the body; returns when the operating system has all of it."""
        await self._connection.send(h11.Data(data=content))

    async def end(self) -> None:
        """The answer is whole."""
        await self._connection.send(h11.EndOfMessage())


Handler = Callable[[Request], Awaitable[None]]


class Routes:
    """Which handler is for which method and path; `{name}` in a path stands for a part of it."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        self._routes.append((method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), handler))

    async def __call__(self, request: Request) -> None:
        """Answer by the route that fits, or with 404 or 405."""
        fitting = [
            (method, match, handler)
            for method, path, handler in self._routes
            if (match := path.fullmatch(request.path))
        ]
        for method, match, handler in fitting:
            if method == request.method:
                request.place = match.groupdict()
                await handler(request)
                return
        await _refuse(request, 405 if fitting else 404)


async def _refuse(request: Request, status: int) -> None:
    content = f"{status}: {HTTPStatus(status).phrase}".encode()
    await request.start(status, {"Content-Type": "text/plain; charset=utf-8"}, len(content))
    await request.write(content)
    await request.end()


class HttpServer:
    """Answers on a socket by `handler`; idle connections are closed after `keep_alive_s`."""

    def __init__(self, handler: Handler, keep_alive_s: float, backlog: int) -> None:
        self.handler, self.keep_alive_s = handler, keep_alive_s
        self.connections: set[Connection] = set()
        self._backlog = backlog
        self._server: asyncio.Server | None = None

    async def listen(self, bound: Any) -> None:
        """Take connections from a socket that is bound already."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), sock=bound, backlog=self._backlog)

    def stop_listening(self) -> None:
        """Take no new connections."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Close all connections; handlers that are at work end."""
        self.stop_listening()
        tasks = [connection.task for connection in self.connections if connection.task is not None]
        for connection in list(self.connections):
            connection.close()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)


class Connection(asyncio.Protocol):
    """One connection: requests of it are answered one after the other."""

    transport: asyncio.Transport

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._idle: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None

    # ---- what the event loop calls -------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        # Without a buffer of its own the transport is drained only when the last byte is out.
        transport.set_write_buffer_limits(high=0)
        self._server.connections.add(self)
        self._wait_idle()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self._stop_waiting()
        self._can_write.set()
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def data_received(self, data: bytes) -> None:
        self._stop_waiting()
        self._http.receive_data(data)
        if self.task is None:
            self._read()

    def eof_received(self) -> None:
        """A client that sends no more has left, as model servers take it: the connection is closed."""

    # ---- requests ------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Read on until a request is whole."""
        try:
            while self.task is None:
                event = self._http.next_event()
                if isinstance(event, h11.Request):
                    self._head = event
                    self._body.clear()
                    if self._http.they_are_waiting_for_100_continue:
                        go_on = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
                        self.transport.write(self._http.send(go_on) or b"")
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > _LARGEST_BYTES:
                        raise h11.RemoteProtocolError("the request is too large", error_status_hint=413)
                elif isinstance(event, h11.EndOfMessage):
                    self.task = asyncio.get_running_loop().create_task(self._answer(self._request()))
                elif event is h11.NEED_DATA:
                    if self._head is None:
                        self._wait_idle()
                    return
                else:  # the client is done, or asks for another protocol
                    self.transport.close()
                    return
        except h11.RemoteProtocolError as error:
            self._refuse(error)

    def _request(self) -> Request:
        assert self._head is not None
        head, self._head = self._head, None
        headers = {name.decode("ascii"): value.decode("utf-8", "surrogateescape") for name, value in head.headers}
        return Request(self, head.method.decode("ascii"), head.target.decode("ascii"), headers, bytes(self._body))

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            status = error.error_status_hint
            content = f"{status}: {error}".encode()
            headers = [("Content-Length", str(len(content))), ("Connection", "close")]
            for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=content)):
                self.transport.write(self._http.send(event) or b"")
        self.transport.close()

    async def _answer(self, request: Request) -> None:
        try:
            await self._server.handler(request)
        except ConnectionResetError:
            pass
        except Exception:  # noqa: BLE001 - the next request is another one's
            traceback.print_exc(file=sys.stderr)
            if self._http.our_state is h11.SEND_RESPONSE:
                await _refuse(request, 500)
        finally:
            self.task = None
        self._begin_next()

    def _begin_next(self) -> None:
        if self.transport.is_closing():
            return
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._read()
        else:  # either side has said that it was the last, or the answer was broken off
            self.transport.close()

    async def send(self, event: h11.Event) -> None:
        """Send a part of the answer; returns when the operating system has it. Raises ConnectionResetError if the
        client has left."""
        content = self._http.send(event)
        if self.transport.is_closing():
            raise ConnectionResetError
        if content:
            self.transport.write(content)
        await self._can_write.wait()
        if self.transport.is_closing():
            raise ConnectionResetError

    # ---- the end -------------------------------------------------------------------------------------------------

    def _wait_idle(self) -> None:
        self._stop_waiting()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._server.keep_alive_s, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def close(self) -> None:
        """Close the connection and end its handler."""
        self.transport.close()
        if self.task is not None:
            self.task.cancel()
