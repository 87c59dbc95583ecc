"""A replay server's life: it binds a port, becomes ready, and stops the way the server that it imitates stops."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

from omr.errors import UserError
from omr.files.jsonl import AtomicFile
from omr.replay.app import KeptRequest, ReplayApp, ServerOptions
from omr.replay.counts import RequestCounts
from omr.replay.http_server import HttpServer
from omr.replay.replies import ReplySource

#: uvicorn, which serves all three of the imitated servers, closes idle connections after so long.
_KEEP_ALIVE_S = 5.0
#: How long aborted replies may take to be sent.
_ABORT_GRACE_S = 2.0
_BACKLOG = 1024


class ReplayServer:
    """Answers requests with the replies of `source`, as `options` say. All methods belong to one event loop."""

    def __init__(self, source: ReplySource, options: ServerOptions | None = None) -> None:
        self.options = options or ServerOptions()
        self.port = 0
        self._app = ReplayApp(source, self.options)
        self._http = HttpServer(self._app.handle, _KEEP_ALIVE_S, _BACKLOG)
        self._listens = False
        self._socket: socket.socket | None = None
        self._becoming_ready: asyncio.Task[None] | None = None

    @property
    def root_url(self) -> str:
        """`http://HOST:PORT`."""
        host = "127.0.0.1" if self.options.host == "0.0.0.0" else self.options.host
        return f"http://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What OpenAI clients call the base URL: it ends in `/v1`."""
        return self.root_url + "/v1"

    @property
    def counts(self) -> RequestCounts:
        """What it was asked and what it answered."""
        return self._app.counts

    @property
    def kept_requests(self) -> list[KeptRequest]:
        """Every request as it arrived, if `keep_requests` is on."""
        return self._app.kept

    async def start(self) -> None:
        """Bind the port and begin to become ready. Raises UserError if the port or its file cannot be had."""
        self._socket = self._bound_socket()
        self.port = self._socket.getsockname()[1]
        if not self.options.refuse_until_ready:
            await self._listen()
        if self.options.port_file is not None:
            # Written last: who reads the port may connect at once.
            self._write_port(self.options.port_file)
        self._becoming_ready = asyncio.create_task(self._become_ready())
        if self.options.start_delay_s <= 0:
            await self._becoming_ready

    def _write_port(self, path: Path) -> None:
        try:
            with AtomicFile(path) as file:
                file.write(f"{self.port}\n".encode())
        except OSError as error:
            remedy = "choose another --port-file"
            raise UserError(f"cannot be written: {error.strerror}", file=path, remedy=remedy) from error

    def _bound_socket(self) -> socket.socket:
        host, port = self.options.host, self.options.port
        bound: socket.socket | None = None
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            bound = socket.socket(family, kind, protocol)
            # A server that takes its predecessor's place on a port must not wait for old connections to expire.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError as error:
            if bound is not None:
                bound.close()
            raise UserError(f"cannot listen on {host}:{port}: {error}", remedy="choose another --port, or 0") from error
        return bound

    async def _listen(self) -> None:
        self._listens = True
        await self._http.listen(self._socket)

    async def _become_ready(self) -> None:
        await asyncio.sleep(self.options.start_delay_s)
        if not self._listens:
            await self._listen()
        self._app.ready = True

    async def wait_ready(self) -> None:
        """Return when it is ready."""
        if self._becoming_ready is not None:
            await asyncio.shield(self._becoming_ready)

    async def stop(self) -> None:
        """Close everything at once; requests in flight lose their connection."""
        self._app.closing.set()
        if self._becoming_ready is not None:
            self._becoming_ready.cancel()
            with suppress(asyncio.CancelledError):
                await self._becoming_ready
        await self._http.close()
        if self._socket is not None:
            self._socket.close()
        self._app.counts.close()

    async def shut_down(self) -> None:
        """Stop as the imitated server does on SIGTERM.

        vllm: takes no new requests; those in flight are answered with half a text and finish_reason `abort`.
        sglang: /health says 503, requests are still taken, and it ends when none is in flight, however long that takes.
        trtllm: closes everything at once.
        """
        if self.options.dialect == "sglang":
            self._app.draining = True
            await self._app.counts.idle.wait()
        elif self.options.dialect == "vllm":
            self._http.stop_listening()
            self._app.aborting.set()
            self._app.closing.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._app.counts.idle.wait(), _ABORT_GRACE_S)
        await self.stop()
