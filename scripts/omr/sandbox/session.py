"""One session: blocks of one solution, run one after the other in one interpreter with its variables."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from omr.sandbox.child import Child
from omr.sandbox.results import LONGEST_MESSAGE, LOST, REPEATABLE, Past, Result, failed, read_reply

if TYPE_CHECKING:
    from omr.sandbox.pool import Pool

#: Bytes of one request, which must fit into one message.
LONGEST_REQUEST = 100_000
#: Rebuilding variables may take so many times the limit of one block.
_REPLAY_FACTOR = 3
_LOOK_AGAIN_S = 0.05
#: The server that a process died with is tried again so often for one block.
_TRIES = 3

_DIED = "The interpreter died (a crash, an exit, or lack of memory). All variables are lost."
_BROKEN = "The interpreter no longer answers as it should and was stopped. All variables are lost."
_MEMORY = "MemoryError: the interpreter held too much memory and was stopped. All variables are lost."


class Session:
    """Made by `Pool.open`. Its process starts with its first block.

    If the process is lost through no fault of the code (the fork server died, or the memory was needed elsewhere while
    it was idle), the blocks before are run again before the next one. If the code ended it, the next block starts
    with nothing.
    """

    def __init__(self, pool: Pool, name: str, seed: int) -> None:
        self.name, self.seed = name, seed
        self._pool = pool
        self._past: list[Past] = []
        self._lock = asyncio.Lock()
        self._calls = 0
        self.child: Child | None = None

    async def run(self, code: str) -> Result:
        """Run one block when it is its turn and one of the pool's slots is free. Raises UserError if the machine no
        longer offers what it did when the pool started."""
        async with self._lock, self._pool.slots:
            differs = False
            for _ in range(_TRIES):
                if not self._wake():
                    differs |= await self._rebuild()
                result = await self._call(code)
                if result is not None:
                    break
            else:
                result = failed("died", _DIED)
            self._remember(code, result)
            self._rest()
        return result if not differs else Result(**{**vars(result), "replay_differs": True})

    async def replay(self, past: Sequence[Past]) -> bool:
        """Rebuild the variables of blocks that ran before, in another job say. Blocks that did not end by themselves
        are left out. Returns whether any came out otherwise than it did."""
        async with self._lock, self._pool.slots:
            self._let_go()
            self._past = [block for block in past if block.status in REPEATABLE]
            differs = await self._rebuild()
            self._rest()
        return differs

    async def close(self) -> None:
        """End the process, if there is one. The session can no longer be used."""
        async with self._lock:
            self._past.clear()
            self._let_go()

    def lose(self) -> None:
        """The process is needed no longer or is gone; variables are rebuilt if the session goes on."""
        self._let_go()

    def _wake(self) -> bool:
        """Whether its process waits for a block. If so it is busy from now on, until it may rest: nobody takes its
        memory in the middle of a block, or between two that rebuild it."""
        child = self.child
        if child is None:
            return False
        if child.spoke_unasked:
            self.forget()
        elif child.ended:
            self._let_go()
        if self.child is None:
            return False
        child.busy = True
        return True

    def _rest(self) -> None:
        """Its turn is over: what it holds from now on counts, and may be needed elsewhere."""
        if self.child is not None:
            self.child.rest()
            self._pool.note_memory(self.child)

    def forget(self) -> None:
        """It misbehaved between blocks: its process ends and nothing is rebuilt."""
        self._let_go()
        self._past.clear()

    def _let_go(self) -> None:
        child, self.child = self.child, None
        if child is not None:
            self._pool.release(self, child)

    async def _rebuild(self) -> bool:
        """A fresh process in which the past blocks are run again. Returns whether one came out otherwise."""
        past, self._past = self._past, []
        allowed_s = _REPLAY_FACTOR * self._pool.settings.cpu_s
        if self.child is None:
            self.child = await self._pool.new_child(self)
            self._calls = 0
        differs = False
        for block in past:
            again = await self._call(block.code) if allowed_s > 0 else None
            if again is None or again.status in LOST:
                self._let_go()
                self._past.clear()
                self.child = await self._pool.new_child(self)
                self._calls = 0
                return True
            allowed_s -= again.cpu_s
            differs |= (again.status, again.stdout) != (block.status, block.stdout)
            self._past.append(block)
        return differs

    def _remember(self, code: str, result: Result) -> None:
        if result.status in REPEATABLE:
            self._past.append(Past(code, result.status, result.stdout))
        elif result.status in LOST:
            self._past.clear()

    async def _call(self, code: str) -> Result | None:
        """Run one block in the process there is. None if that was lost together with its server."""
        child = self.child
        assert child is not None
        self._calls += 1
        request = json.dumps({"n": self._calls, "code": code}).encode()
        if len(request) > LONGEST_REQUEST:
            return failed("error", f"The code is too long to run: {len(code)} characters.")
        if child.spoke_unasked:  # nobody listens to it any more
            self._let_go()
            return failed("broken", _BROKEN)
        try:
            return await _Call(self, child, self._calls).made(request)
        except BaseException:  # the job is stopping: nothing may run on
            self._let_go()
            raise


class _Call:
    """One block in one process, with its clocks."""

    def __init__(self, session: Session, child: Child, number: int) -> None:
        self._session, self._child, self._number = session, child, number
        self._settings = session._pool.settings
        self._pool = session._pool
        self._began_s = time.monotonic()
        self._cpu_before_s = child.cpu_s()
        self._interrupted = False
        # Both clocks, whichever ran out: which one it is depends on how busy the machine is, and what is said becomes
        # part of the text that the model goes on from.
        self._limit = f"a block has {self._settings.cpu_s:g} s of computing and {self._settings.wall_s:g} s in all"

    def _used(self) -> tuple[float, float]:
        return self._child.cpu_s() - self._cpu_before_s, time.monotonic() - self._began_s

    async def made(self, request: bytes) -> Result | None:
        child = self._child
        try:
            child.send(request)
        except OSError:
            return await self._after_death()
        message = await self._wait()
        cpu_s, wall_s = self._used()
        if message is None:
            self._session._let_go()
            why = f"TimeoutError: stopped: {self._limit}. All variables are lost."
            return failed("killed", why, cpu_s, wall_s)
        if not message:
            return await self._after_death()
        result = None
        if len(message) <= LONGEST_MESSAGE:
            chars = self._settings.output_chars
            result = read_reply(message, self._number, chars, interrupted=self._interrupted)
        if result is None:
            self._session._let_go()
            return failed("broken", _BROKEN, cpu_s, wall_s)
        fields = {**vars(result), "cpu_s": cpu_s, "wall_s": wall_s}
        if result.status == "timeout":
            told = f"TimeoutError: interrupted: {self._limit}.\n"
            fields["stderr"] = (result.stderr + told)[: self._settings.output_chars]
            fields["stderr_chars"] += len(told)
        return Result(**fields)

    async def _wait(self) -> bytes | None:
        """The reply; empty if the process is gone; None if it had to be stopped."""
        settings = self._settings
        wait_s = settings.cpu_s
        at_interrupt = (0.0, 0.0)
        while True:
            message = await self._child.reply(wait_s)
            if message is not None:
                return message
            cpu_s, wall_s = self._used()
            if self._interrupted:
                cpu_left_s = settings.grace_s - (cpu_s - at_interrupt[0])
                wall_left_s = settings.grace_s * settings.wall_factor - (wall_s - at_interrupt[1])
                if cpu_left_s <= 0 or wall_left_s <= 0:
                    return None
                wait_s = max(_LOOK_AGAIN_S, min(cpu_left_s, wall_left_s))
            elif cpu_s >= settings.cpu_s or wall_s >= settings.wall_s:
                self._interrupted = True
                self._child.signal(signal.SIGINT)
                at_interrupt = (cpu_s, wall_s)
                wait_s = settings.grace_s
            else:  # a busy machine: it has not had its time yet
                wait_s = max(_LOOK_AGAIN_S, min(settings.cpu_s - cpu_s, settings.wall_s - wall_s))

    async def _after_death(self) -> Result | None:
        cpu_s, wall_s = self._used()
        killed_for_memory = self._child.killed_for_memory
        number = self._child.number
        server = self._pool.server_of(self._child)
        self._session._let_go()
        if killed_for_memory:
            return failed("memory", _MEMORY, cpu_s, wall_s)
        if server is None or await server.reaped(number) is None:
            return None
        return failed("died", _DIED, cpu_s, wall_s)
