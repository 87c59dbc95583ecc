"""All sessions of a job: `pool = await Pool.start(settings)`, `session = await pool.open(name, seed)`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from omr.errors import UserError
from omr.files.open_files import set_aside
from omr.sandbox.checks import Isolation, find_isolation
from omr.sandbox.child import Child
from omr.sandbox.fork_server import ForkServer, StartFailed
from omr.sandbox.session import Session
from omr.sandbox.settings import SandboxSettings

_GUARD_S = 1.0
#: Descriptors per session: its channel, and what its memory and its files are read from.
_DESCRIPTORS = 3
#: A fork server that dies so often within this time is not started again.
_RESTARTS, _RESTARTS_WITHIN_S = 5, 600.0


@dataclass
class PoolCounts:
    """What happened so far: processes started, those that made room for others, fork servers started again."""

    started: int = 0
    made_room: int = 0
    restarts: int = 0


class Pool:
    """Made by `Pool.start`.

    Attributes: `tier` (how sessions are isolated, one of `TIERS`), `identity` (hash of the environment: Python and its
    packages), `slots`, `settings`, `counts`. It belongs to the event loop, and to the thread, in which it was started.
    """

    def __init__(self, settings: SandboxSettings, isolation: Isolation, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.tier, self.identity = isolation.tier, isolation.server.told["identity"]
        self.slots = asyncio.Semaphore(settings.slots)
        self.counts = PoolCounts()
        self._isolation, self._server, self._say = isolation, isolation.server, say
        self._servers: dict[Child, ForkServer] = {}
        self._sessions: dict[Child, Session] = {}
        self._restart_lock = asyncio.Lock()
        self._restarts: list[float] = []
        self._files = contextlib.ExitStack()
        room = self._files.enter_context(set_aside(settings.max_sessions * _DESCRIPTORS))
        self._max_sessions = max(1, room // _DESCRIPTORS)
        if self._max_sessions < settings.max_sessions:
            say(
                f"sandbox: {self._max_sessions} sessions at once and not {settings.max_sessions}, since this process "
                f"may open {room} files for them (`ulimit -Hn`)"
            )
        self._guard = asyncio.create_task(self._watch())
        self._closed = False

    @classmethod
    async def start(
        cls,
        settings: SandboxSettings,
        say: Callable[[str], None] = lambda line: None,
        *,
        lacking: frozenset[str] = frozenset(),
    ) -> Pool:
        """Find the best isolation that the machine offers, try it, and load the packages.

        `say` gets one line for each thing that people should know. `lacking`: `namespaces`, `landlock`, as if the
        machine had none (for tests). Raises UserError, with what the machine lacks and what to do, if there is no
        isolation, or less than the site requires, or no environment.
        """
        isolation = await find_isolation(settings, lacking=lacking)
        told = isolation.server.told
        say(f"sandbox: isolation {isolation.tier}, {isolation.described}; {settings.slots} blocks at once")
        for reason in isolation.why_not_better:
            say(f"sandbox: not better because {reason}")
        for name in told["missing"]:
            say(f"sandbox: not loaded: {name}")
        return cls(settings, isolation, say)

    async def open(self, name: str, seed: int) -> Session:
        """A session; `name` is for people. Its process starts with its first block, generators seeded by `seed`."""
        if self._closed:
            raise RuntimeError("the pool is closed")
        return Session(self, name, seed)

    async def close(self) -> None:
        """End all processes."""
        self._closed = True
        self._guard.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._guard
        for session in list(self._sessions.values()):
            session.lose()
        await self._server.stop()
        self._files.close()

    async def new_child(self, session: Session) -> Child:
        """A process for a session; makes room for it first. Starts the fork server again if it has died. Raises
        RuntimeError if the pool is closed, as a block that was running then finds it."""
        while len(self._sessions) >= self._max_sessions and self._make_room():
            pass
        while True:
            if self._closed:
                raise RuntimeError("the pool is closed")
            server = await self._living_server()
            try:
                child = await server.open(session.seed)
            except StartFailed as error:
                if server.gone:
                    continue
                if not self._make_room():
                    raise UserError(
                        f"the sandbox cannot start a session beside {len(self._sessions)} others: {error}",
                        remedy="lower `concurrency` of the model, or raise the limit of processes (`ulimit -u`) "
                        "or of memory",
                    ) from error
                continue
            break
        self._servers[child] = server
        self._sessions[child] = session
        self.counts.started += 1
        return child

    def server_of(self, child: Child) -> ForkServer | None:
        return self._servers.get(child)

    def release(self, session: Session, child: Child) -> None:
        """End a session's process."""
        server = self._servers.pop(child, None)
        self._sessions.pop(child, None)
        child.end()
        if server is not None:
            server.reap(child.number)

    def note_memory(self, child: Child) -> None:
        """A block has ended: what its session holds from now on counts."""
        child.measure()
        self._keep_within_budget()

    async def _living_server(self) -> ForkServer:
        async with self._restart_lock:
            if not self._server.gone:
                return self._server
            now = time.monotonic()
            self._restarts = [at for at in self._restarts if now - at < _RESTARTS_WITHIN_S]
            if len(self._restarts) >= _RESTARTS:
                raise UserError(
                    f"the sandbox's fork server died {len(self._restarts)} times within {_RESTARTS_WITHIN_S:g} s",
                    remedy="look for the kernel's word on it (`dmesg`): it may lack memory",
                )
            self._restarts.append(now)
            self.counts.restarts += 1
            self._say("sandbox: the fork server has died; starting it again")
            await self._server.stop()
            try:
                self._server = await ForkServer.start(self._isolation.launch)
            except StartFailed as error:
                raise UserError(f"the sandbox does not start again: {error}") from error
            if self._server.told["identity"] != self.identity:
                raise UserError("the sandbox's environment was changed while it was in use", file=self.settings.python)
            return self._server

    def _idle(self) -> list[Child]:
        return [child for child in self._sessions if not child.busy]

    def _make_room(self) -> bool:
        """End the process that has been idle for longest; its session is rebuilt when it goes on."""
        idle = self._idle()
        if not idle:
            return False
        self.counts.made_room += 1
        self._sessions[min(idle, key=lambda child: child.idle_since_s)].lose()
        return True

    def _keep_within_budget(self) -> None:
        """While all hold more than the budget: end the largest idle process, or else the largest."""
        total = sum(child.held_bytes for child in self._sessions)
        while total > self.settings.memory_total_mb << 20 and self._sessions:
            idle = self._idle()
            largest = max(idle or self._sessions, key=lambda child: child.held_bytes)
            total -= largest.held_bytes
            if idle:
                self.counts.made_room += 1
                self._sessions[largest].lose()
            elif not largest.killed_for_memory:
                largest.killed_for_memory = True
                largest.held_bytes = 0
                largest.kill()
            else:
                break

    async def _watch(self) -> None:
        """Every second: who computes between blocks is stopped, and what running blocks hold counts."""
        while True:
            await asyncio.sleep(_GUARD_S)
            for child, session in list(self._sessions.items()):
                if child.busy:
                    if not child.killed_for_memory:
                        child.measure()
                elif child.cpu_s() - child.cpu_when_idle_s > self.settings.idle_cpu_s or child.spoke_unasked:
                    session.forget()
            self._keep_within_budget()
