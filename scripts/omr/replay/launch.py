"""Replay servers for tests and demos: `running_server` in a thread, `server_process` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import Request, urlopen

import orjson

from omr.errors import UserError
from omr.replay.app import KeptRequest, ServerOptions
from omr.replay.replies import Echo, ReplyFolder, ReplyFunction, ReplyLike, ReplySource, ReplyTable
from omr.replay.server import ReplayServer

_SCRIPT = Path(__file__).resolve().parents[2] / "replay_server.py"
_START_S = 60.0
_T = TypeVar("_T")

#: A folder, a table {request id or pattern: reply}, a function of the request id, or a number of tokens to echo.
Replies = ReplySource | Path | Mapping[str, ReplyLike] | Callable[[str], ReplyLike | None] | int


def reply_source(replies: Replies) -> ReplySource:
    """The source of replies that is meant. Raises UserError for a folder that cannot be read."""
    if isinstance(replies, Path):
        return ReplyFolder(replies)
    if isinstance(replies, Mapping):
        return ReplyTable(replies)
    if isinstance(replies, int):
        return Echo(replies)
    return ReplyFunction(replies) if callable(replies) else replies


class RunningServer:
    """A replay server in a thread of this process; every property is a copy taken in the server's own thread."""

    def __init__(self, server: ReplayServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self.port = server.port
        self.root_url = server.root_url
        self.base_url = server.base_url  # ends in /v1

    def _there(self, function: Callable[[], _T]) -> _T:
        async def call() -> _T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(_START_S)

    @property
    def counts(self) -> dict[str, int]:
        """How often each request id was asked."""
        return self._there(lambda: dict(self._server.counts.received))

    @property
    def answered(self) -> dict[str, int]:
        """How often each request id was given its whole, right reply."""
        return self._there(lambda: dict(self._server.counts.answered))

    @property
    def received(self) -> list[str]:
        """Request ids in order of arrival."""
        return self._there(lambda: list(self._server.counts.received_ids))

    @property
    def kept_requests(self) -> list[KeptRequest]:
        """Requests with headers and bodies, if `keep_requests` is on."""
        return self._there(lambda: list(self._server.kept_requests))

    def requests(self) -> dict[str, Any]:
        """What GET /requests answers."""
        return self._there(self._server.counts.as_json)

    def reset(self) -> None:
        """Forget what was counted."""
        self._there(self._server.counts.reset)

    def shut_down(self) -> None:
        """Stop as the imitated server does on SIGTERM; returns when it has."""
        asyncio.run_coroutine_threadsafe(self._server.shut_down(), self._loop).result(_START_S)


@contextmanager
def running_server(replies: Replies = 16, **options: Any) -> Iterator[RunningServer]:
    """A replay server on loopback while the `with` block runs; `options` are the fields of `ServerOptions`.

    With `start_delay_s` the block begins while the server is still starting.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="replay-server", daemon=True)
    thread.start()
    try:
        server = ReplayServer(reply_source(replies), ServerOptions(**options))
        try:
            asyncio.run_coroutine_threadsafe(server.start(), loop).result(_START_S)
            yield RunningServer(server, loop)
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(_START_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_S)
        loop.close()


class ServerProcess:
    """A replay server in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.root_url = f"http://127.0.0.1:{port}"
        self.base_url = self.root_url + "/v1"

    def requests(self) -> dict[str, Any]:
        """What GET /requests answers."""
        with urlopen(self.root_url + "/requests", timeout=_START_S) as response:
            return dict(orjson.loads(response.read()))

    def reset(self) -> None:
        """Forget what was counted."""
        with urlopen(Request(self.root_url + "/requests/reset", method="POST"), timeout=_START_S):
            pass


@contextmanager
def server_process(*args: str, environment: Mapping[str, str] | None = None) -> Iterator[ServerProcess]:
    """`replay_server.py` with `args` while the `with` block runs; it is killed at its end, or when this process ends.

    The block begins when the port is known: with a start delay, before the server is ready. `environment` is added to
    this process's own. Raises UserError, with what it said, for a server that does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        port_file, log = Path(folder, "port"), Path(folder, "log")
        command = [sys.executable, str(_SCRIPT), *args, "--port-file", str(port_file), "--exit-with-parent"]
        with log.open("wb") as sink:
            process = subprocess.Popen(command, stdout=sink, stderr=sink, env={**os.environ, **(environment or {})})
        try:
            yield ServerProcess(process, _wait_for_port(process, port_file, log))
        finally:
            process.kill()
            process.wait()


def _wait_for_port(process: subprocess.Popen[bytes], port_file: Path, log: Path) -> int:
    deadline = time.monotonic() + _START_S
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip()[-2000:]
            raise UserError(f"the replay server did not start: {said}", remedy="see what it said")
        time.sleep(0.01)
    return int(port_file.read_text())
