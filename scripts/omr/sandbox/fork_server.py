"""The front's side of the fork server: starting it, asking it for sessions, hearing of their ends and of its own."""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
import tempfile
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omr.sandbox.child import Child
from omr.sandbox.confined.limits import Limits
from omr.sandbox.settings import SandboxSettings

_SCRIPTS = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[2]); from omr.sandbox.confined.fork_server import main; main(sys.argv[1:])"
)
#: All that it inherits: the seed of hashes must be there before Python starts, a container's command may need a path.
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PATH": "/usr/local/bin:/usr/bin:/bin"}
_START_S = 300.0
_OPEN_S = 120.0
_END_S = 5.0
_LONGEST_MESSAGE = 1 << 16


class StartFailed(Exception):  # noqa: N818
    """No fork server, or no session: the message is the reason."""


@dataclass(frozen=True)
class Launch:
    """How to start one: with namespaces or without, at most so much of Landlock, with packages loaded or (to find out
    what the machine offers) without."""

    settings: SandboxSettings
    namespaces: bool
    landlock_at_most: int
    preload: bool

    def command(self) -> list[str]:
        settings = self.settings
        limits = Limits(settings.memory_mb, settings.scratch_mb, settings.life_cpu_s, settings.output_chars)
        options = {
            "namespaces": self.namespaces,
            "landlock_at_most": self.landlock_at_most,
            "preload": self.preload,
            "modules": settings.preload,
            "limits": asdict(limits),
            "scripts": str(_SCRIPTS),
        }
        # -s, -P: no folder of the user's on its path; -X utf8: whatever the locale, which it does not inherit
        python = [os.path.abspath(settings.python), "-s", "-P", "-B", "-X", "utf8", "-c", _BOOT]
        return [*settings.container, *python, json.dumps(options), str(_SCRIPTS)]


class ForkServer:
    """A running one. `told` is what it said when it was ready, see `omr.sandbox.confined.fork_server`."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process, self._control = process, control
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[tuple[bytes, socket.socket | None]] = deque()
        self._exits: dict[int, asyncio.Future[int | None]] = {}
        self._serial = 0
        self.told: dict[str, Any] = {}
        self.gone = False

    @classmethod
    async def start(cls, launch: Launch) -> ForkServer:
        """Raises StartFailed with the reason that it gave, or with what it printed last."""
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.setblocking(False)
        with tempfile.TemporaryFile() as said:
            try:
                process = subprocess.Popen(
                    launch.command(),
                    env=_ENVIRONMENT,
                    stdin=there.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                here.close()
                raise StartFailed(f"{launch.command()[0]}: {error.strerror}") from error
            finally:
                there.close()
            server = cls(process, here)
            try:
                await server._wait_until_ready()
            except StartFailed as error:
                await server.stop()
                said.seek(0)
                words = said.read()[-500:].decode(errors="replace").strip()
                raise StartFailed(str(error) or words or "it ended without a word") from error
            except BaseException:
                await server.stop()
                raise
        return server

    async def _wait_until_ready(self) -> None:
        try:
            message = await asyncio.wait_for(self._loop.sock_recv(self._control, _LONGEST_MESSAGE), _START_S)
        except TimeoutError:
            raise StartFailed(f"it was not ready after {_START_S:g} s") from None
        except OSError:
            message = b""
        told = json.loads(message) if message else {}
        if "ready" not in told:
            raise StartFailed(told.get("refused", ""))
        self.told = told["ready"]
        self._loop.add_reader(self._control, self._on_message)

    def _on_message(self) -> None:
        try:
            message = self._control.recv(_LONGEST_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._is_gone()
            return
        number, code = json.loads(message)["exit"]
        waiter = self._exits.pop(number, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(code)

    def _is_gone(self) -> None:
        if self.gone:
            return
        self.gone = True
        self._loop.remove_reader(self._control)
        self._loop.remove_writer(self._control)
        for waiter in self._exits.values():
            if not waiter.done():
                waiter.set_result(None)
        self._exits.clear()
        for _, channel in self._unsent:
            if channel is not None:
                channel.close()
        self._unsent.clear()

    def _post(self, message: dict[str, Any], channel: socket.socket | None = None) -> None:
        """Send now, or when there is room again; to one that is gone, nothing. Closes `channel` when it is sent."""
        if self.gone:
            if channel is not None:
                channel.close()
            return
        self._unsent.append((json.dumps(message).encode(), channel))
        if len(self._unsent) == 1:
            self._flush()

    def _flush(self) -> None:
        while self._unsent:
            message, channel = self._unsent[0]
            descriptors = array.array("i", [] if channel is None else [channel.fileno()])
            ancillary = [] if channel is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
            try:
                self._control.sendmsg([message], ancillary)
            except BlockingIOError:
                self._loop.add_writer(self._control, self._flush)
                return
            except OSError:
                self._is_gone()
                return
            self._unsent.popleft()
            if channel is not None:
                channel.close()
        self._loop.remove_writer(self._control)

    async def open(self, seed: int) -> Child:
        """A new confined process. Raises StartFailed if there is none to be had."""
        if self.gone:
            raise StartFailed("the fork server is gone")
        self._serial += 1
        number = self._serial
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.setblocking(False)
        here.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._post({"open": number, "seed": seed}, there)
        gauges: list[int] = []
        try:
            pid = await asyncio.wait_for(self._hear(here, gauges), _OPEN_S)
        except BaseException as error:
            here.close()
            for fd in gauges:
                os.close(fd)
            if isinstance(error, TimeoutError):
                self._post({"reap": number})
                raise StartFailed(f"a session was not ready after {_OPEN_S:g} s") from None
            if isinstance(error, StartFailed):  # it may have died together with its server, which then does not answer
                await self.reaped(number)
            else:
                self._post({"reap": number})
            raise
        return Child(number, here, pid, gauges)

    async def _hear(self, channel: socket.socket, gauges: list[int]) -> int:
        """Its process id, once it has said that it is confined."""
        while True:
            await _readable(channel)
            message, ancillary, _, _ = channel.recvmsg(_LONGEST_MESSAGE, socket.CMSG_SPACE(12) + socket.CMSG_SPACE(8))
            told = json.loads(message) if message else {"refused": "it died at its start"}
            if "refused" in told:
                raise StartFailed(told["refused"])
            for _, kind, data in ancillary:
                if kind == socket.SCM_RIGHTS:
                    gauges.extend(array.array("i", data))
                elif kind == socket.SCM_CREDENTIALS:
                    pid = int(struct.unpack("iII", data)[0])
            if "confined" in told:
                channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
                return pid

    async def reaped(self, number: int) -> int | None:
        """Have a dead session reaped. Returns how it ended; None if there never was one, the server is gone or the
        process does not die."""
        if self.gone:
            return None
        waiter = self._exits[number] = self._loop.create_future()
        self._post({"reap": number})
        try:
            return await asyncio.wait_for(waiter, _END_S)
        except TimeoutError:
            return None

    def reap(self, number: int) -> None:
        """The same without waiting."""
        self._post({"reap": number})

    async def stop(self) -> None:
        """End it and all sessions: they die with it."""
        self._is_gone()
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, _END_S)
            return
        self._process.kill()
        await asyncio.to_thread(self._process.wait)


async def _readable(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(channel, lambda: ready.done() or ready.set_result(None))  # type: ignore[func-returns-value]
    try:
        await ready
    finally:
        loop.remove_reader(channel)
