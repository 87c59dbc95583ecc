"""The front's hold on one session's process: its channel, its clock, its memory, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time

from omr.sandbox.results import LONGEST_MESSAGE

_GONE = b""
#: Memory that a session shares with nobody after a few blocks, though it counts as inherited: measured, 14 MB.
COPIED_BYTES = 16 << 20


class Child:
    """A confined process. `number` is its name at the fork server, `pid` the kernel's word for it in our namespace."""

    def __init__(self, number: int, channel: socket.socket, pid: int, gauges: list[int]) -> None:
        self.number, self.pid = number, pid
        self._channel = channel
        self._statm = gauges[0]
        self._scratch = gauges[1] if len(gauges) > 1 else None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[bytes] | None = None
        self._cpu_s = 0.0
        self.ended = False
        self.spoke_unasked = False
        self.busy = True  # until its first block has ended
        self.killed_for_memory = False
        self._inherited = self._resident()
        self.held_bytes = COPIED_BYTES
        self.idle_since_s = time.monotonic()
        self.cpu_when_idle_s = 0.0
        self._loop.add_reader(channel, self._on_readable)

    def send(self, message: bytes) -> None:
        """Raises OSError if nobody is there, or does not read."""
        self._channel.send(message)

    async def reply(self, timeout_s: float) -> bytes | None:
        """The next message, empty if the process is gone; None after `timeout_s`."""
        if self.ended:
            return _GONE
        if self._waiter is None:
            self._waiter = self._loop.create_future()
        waiter = self._waiter
        timer = self._loop.call_later(max(0.0, timeout_s), lambda: waiter.done() or waiter.set_result(None))  # type: ignore[func-returns-value, arg-type]
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _on_readable(self) -> None:
        try:
            message = self._channel.recv(2 * LONGEST_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            message = _GONE
        if not message:
            self.ended = True
            self._loop.remove_reader(self._channel)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(message)
        elif message:
            # Nobody asked: stop listening, so that a flood stays in its own pipe.
            self.spoke_unasked = True
            self._loop.remove_reader(self._channel)

    def cpu_s(self) -> float:
        """CPU seconds of its life so far; the last known ones if it is gone."""
        with contextlib.suppress(OSError):
            self._cpu_s = time.clock_gettime((~self.pid << 3) | 2)
        return self._cpu_s

    def signal(self, number: signal.Signals) -> None:
        """Safe: the fork server keeps the process id from being used again until it is told to reap."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def measure(self) -> int:
        """Bytes that it holds beyond what all share, files in memory included."""
        held = max(0, self._resident() - self._inherited) + COPIED_BYTES
        if self._scratch is not None:
            files = os.fstatvfs(self._scratch)
            held += (files.f_blocks - files.f_bfree) * files.f_frsize
        self.held_bytes = held
        return held

    def _resident(self) -> int:
        try:
            return int(os.pread(self._statm, 200, 0).split()[1]) * os.sysconf("SC_PAGESIZE")
        except (OSError, IndexError):
            return 0  # it is gone

    def rest(self) -> None:
        """It has answered: from now on it must not compute."""
        self.busy = False
        self.idle_since_s = time.monotonic()
        self.cpu_when_idle_s = self.cpu_s()

    def kill(self) -> None:
        """Whoever waits for its reply hears that it is gone."""
        self.signal(signal.SIGKILL)

    def end(self) -> None:
        """Kill it and let go of it."""
        self.kill()
        self._loop.remove_reader(self._channel)
        self._channel.close()
        for fd in (self._statm, self._scratch):
            if fd is not None:
                os.close(fd)
        self.ended = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(_GONE)
