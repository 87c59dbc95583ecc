"""A model server that a job starts as its own child, on one node or several."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from omr.errors import UserError
from omr.models import ModelSpec
from omr.servers.allocation import allocated_nodes, cancel_left_steps, srun_command
from omr.servers.died import ServerDied, log_tail
from omr.servers.gpus import check_gpus
from omr.servers.launch import Launch, ServerKind, full_command, full_environment, inheritable, shown
from omr.servers.ports import Port
from omr.servers.probing import Prober, RefusedError, UnreachableError, what_is_missing
from omr.servers.server import ModelServer, OnEvent
from omr.servers.sites import ServerSite

_SCRIPTS = Path(__file__).resolve().parents[2]
_SUPERVISE = Path(__file__).with_name("supervise.py")
_PORT_TRIES = 4
#: The supervisor itself gives up on processes that cannot be killed after a minute.
_STOP_MARGIN_S = 75.0
T = TypeVar("T")


@dataclass(frozen=True)
class Watch:
    """How closely a server is watched. A busy server may miss a health check; a dead one misses all."""

    poll_s: float = 0.5
    health_every_s: float = 10.0
    unhealthy_s: float = 60.0


class StartedServer(ModelServer):
    """See ModelServer. `log_path` gets all that the server prints, `scratch` is a folder for small files."""

    def __init__(
        self,
        kind: ServerKind,
        spec: ModelSpec,
        site: ServerSite,
        log_path: Path,
        scratch: Path,
        on_event: OnEvent,
        watch: Watch,
    ) -> None:
        self.spec, self.site, self.log_path, self.scratch = spec, site, log_path, scratch
        self.served_name = kind.served_name(spec)
        self.base_url = ""
        self.restarts = 0
        self._kind, self._on_event, self._watch = kind, on_event, watch
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: list[Port] = []
        self._log_start = 0
        self._last_progress = 0.0

    # ---- start -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        spec = self.spec
        if spec.is_local and not os.path.exists(spec.path):
            raise UserError(f"the model {spec.name!r} is not there: {spec.path}", remedy="check its `path` in config")
        if self._kind.uses_gpus and self.site.check_gpus and spec.gpus and spec.nodes == 1:
            await asyncio.to_thread(check_gpus, spec.gpus, self.site.min_driver, self._on_event, os.environ)
        for tries_left in reversed(range(_PORT_TRIES)):
            try:
                await self._start_once()
                return
            except ServerDied as died:
                if not died.port_taken or not tries_left:
                    raise
                self._on_event("a port was taken in the meantime: trying others")

    async def _start_once(self) -> None:
        started = time.monotonic()
        try:
            self._spawn(*await asyncio.to_thread(self._prepare))
            await self._until_ready()
        except BaseException:
            await self.stop()
            raise
        self.note_progress()
        self._on_event(f"{self._kind.name} serves {self.served_name} after {time.monotonic() - started:.0f} s")

    def _prepare(self) -> tuple[list[str], dict[str, str]]:
        """The command and environment of what is started here: the server, or srun."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        self._kind.port_file(self.scratch).unlink(missing_ok=True)
        port, inner = Port(), Port()
        self._ports = [port, inner]
        self.base_url = f"http://127.0.0.1:{port.number}/v1"
        launch = Launch(self.spec, self.site, port.number, inner.number, self.scratch.resolve())
        if self.spec.nodes == 1:
            launch.site.cache_folder().mkdir(parents=True, exist_ok=True)
            return full_command(self._kind, launch), full_environment(self._kind, launch, os.environ)
        environment = inheritable(os.environ)
        paths = filter(None, [str(_SCRIPTS), environment.get("PYTHONPATH")])
        return self._for_nodes(launch), environment | {"PYTHONPATH": os.pathsep.join(paths)}

    def _for_nodes(self, launch: Launch) -> list[str]:
        allocation = allocated_nodes(self.spec)
        meeting = Port("0.0.0.0")  # only to find one that is free on all of the node's addresses
        self._ports.append(meeting)
        plan = {
            "kind": self._kind.name,
            "spec": asdict(self.spec),
            "site": asdict(self.site),
            "port": launch.port,
            "meeting_port": meeting.number,
            "scratch": str(launch.scratch),
            "nodes": allocation.nodes,
            "addresses": allocation.addresses,
        }
        task = [sys.executable, "-m", "omr.servers.node", "--plan", json.dumps(plan)]
        return [*srun_command(self._kind, self.spec, self.site), *task]

    def _spawn(self, command: list[str], environment: dict[str, str]) -> None:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        supervisor = [sys.executable, "-I", str(_SUPERVISE), "--grace-s", str(self.site.grace_s)]
        supervisor += ["--pid-file", str(self._pid_file)]
        if self.spec.nodes > 1:
            supervisor.append("--pass-lifeline")
        self._pid_file.unlink(missing_ok=True)
        self._on_event(f"starting {shown(command)}")
        with self.log_path.open("ab") as log:
            log.write(f"starting {shown(command)}\n".encode())
            log.flush()
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [*supervisor, "--", *command],
                env=environment,
                stdin=subprocess.PIPE,  # its end tells the supervisor that we are gone
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us: we stop the server when requests in flight are done
            )

    @property
    def _pid_file(self) -> Path:
        return self.scratch / "server.pid"

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + self.spec.ready_timeout_s
        missing: str | None = "no port yet"
        async with Prober(direct=True) as prober:
            while (left := deadline - time.monotonic()) > 0:
                if (root := self._root()) is not None:
                    question = what_is_missing(
                        prober, root, self.served_name, self._kind.completes_when_ready, max(left, 1.0)
                    )
                    try:
                        missing = await self._unless_it_ends(question)
                    except RefusedError as error:
                        raise self._died(f"{self._name} {error}") from error
                    if missing is None:
                        return
                await self._unless_it_ends(asyncio.sleep(self._watch.poll_s))
        raise self._died(f"{self._name} was not ready after {self.spec.ready_timeout_s:.0f} s: {missing}")

    def _root(self) -> str | None:
        """The server's URL without /v1; None while it has not told its port."""
        if self._kind.picks_port:
            try:
                port = int(self._kind.port_file(self.scratch).read_text())
            except (OSError, ValueError):
                return None
            self.base_url = f"http://127.0.0.1:{port}/v1"
        return self.base_url.removesuffix("/v1")

    async def _unless_it_ends(self, question: Awaitable[T]) -> T:
        """The answer to a question to the server. Raises ServerDied at once when it ends."""
        task, end = asyncio.ensure_future(question), asyncio.ensure_future(self._until_exit())
        try:
            await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise end.result()
        finally:
            for waiter in (task, end):
                waiter.cancel()
            await asyncio.gather(task, end, return_exceptions=True)

    # ---- watch -------------------------------------------------------------------------------------------------

    async def wait_dead(self, waiting: Callable[[], int] = lambda: 0) -> ServerDied:
        watchers = [self._until_exit(), self._until_unhealthy(), self._until_stalled(waiting)]
        tasks = [asyncio.ensure_future(watcher) for watcher in watchers]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def note_progress(self) -> None:
        self._last_progress = time.monotonic()

    def failure(self) -> ServerDied | None:
        if self._process is None:
            return ServerDied(f"{self._name} is not running", self.log_path, "")
        status = self._process.poll()
        if status is None:
            return None
        return self._died(f"{self._name} ended with {_status(status)}")

    async def _until_exit(self) -> ServerDied:
        while (died := self.failure()) is None:
            await asyncio.sleep(self._watch.poll_s)
        return died

    async def _until_unhealthy(self) -> ServerDied:
        since: float | None = None
        async with Prober(direct=True) as prober:
            while True:
                await asyncio.sleep(self._watch.health_every_s)
                try:
                    answer = await prober.get(f"{self._root()}/health", 30.0)
                    fault = f"/health answers {answer.status}" if answer.status >= 500 else None
                except UnreachableError as error:
                    if not error.refused:
                        continue  # too busy to answer in time, which says neither this nor that
                    fault = "nobody listens any more"
                since = None if fault is None else since or time.monotonic()
                if since is not None and time.monotonic() - since >= self._watch.unhealthy_s:
                    return self._died(f"{self._name} is dead although it runs: {fault} for {_ago(since)} s")

    async def _until_stalled(self, waiting: Callable[[], int]) -> ServerDied:
        self.note_progress()
        while True:
            await asyncio.sleep(self._watch.poll_s)
            if not waiting():
                self.note_progress()
            elif time.monotonic() - self._last_progress > self.spec.stall_timeout_s:
                what = f"{waiting()} requests wait, but none was answered for {_ago(self._last_progress)} s"
                return self._died(f"{self._name} hangs: {what}")

    @property
    def _name(self) -> str:
        return f"the {self._kind.name} server of the model {self.spec.name!r}"

    def _died(self, what: str) -> ServerDied:
        return ServerDied(what, self.log_path, log_tail(self.log_path, self._log_start))

    # ---- stop --------------------------------------------------------------------------------------------------

    async def restart(self) -> None:
        died = self.failure()
        await self.stop()
        while self.restarts < self.spec.restarts:
            self.restarts += 1
            self._on_event(f"starting it again ({self.restarts} of {self.spec.restarts} times)")
            try:
                await self.start()
                return
            except ServerDied as error:
                died = error
        what = f"{self._name} died, and all {self.spec.restarts} restarts are used up"
        raise ServerDied(what, self.log_path, died.tail if died else log_tail(self.log_path, self._log_start))

    async def stop(self) -> None:
        process, self._process = self._process, None
        try:
            if process is not None:
                assert process.stdin is not None
                process.stdin.close()
                await self._until_gone(process)
                if self.spec.nodes > 1:
                    await asyncio.to_thread(self._cancel_steps)
        finally:
            while self._ports:
                self._ports.pop().release()

    async def _until_gone(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.site.grace_s + _STOP_MARGIN_S
        try:
            while process.poll() is None and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
        finally:
            # Cut short or in vain: its input has ended, so the supervisor goes on with the stop by itself.
            if process.returncode is not None and process.returncode < 0:
                self._kill_group()

    def _cancel_steps(self) -> None:
        try:
            cancel_left_steps()
        except UserError as error:
            self._on_event(f"warning: parts of {self._name} may be left on other nodes: {error}")

    def _kill_group(self) -> None:
        """The supervisor was killed, which took the server's first process along; the others share its group."""
        with suppress(OSError, ValueError):
            os.killpg(int(self._pid_file.read_text()), signal.SIGKILL)


def _ago(since: float) -> str:
    return f"{time.monotonic() - since:.0f}"


def _status(code: int) -> str:
    number = -code if code < 0 else code - 128
    if code < 0 or code > 128:
        with suppress(ValueError):
            return f"signal {signal.Signals(number).name}"
    return f"exit status {code}"
