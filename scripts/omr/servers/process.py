"""The process of a model server, or of srun that starts one on each node, under a supervisor: start, look, stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.allocation import Allocation, allocated_nodes, cancel_left_steps, srun_command
from omr.servers.died import ServerDied, log_tail
from omr.servers.launch import Launch, ServerKind, full_command, full_environment, inheritable, shown
from omr.servers.ports import Port
from omr.servers.server import OnEvent
from omr.servers.sites import ServerSite

_SCRIPTS = Path(__file__).resolve().parents[2]
_SUPERVISE = Path(__file__).with_name("supervise.py")
#: The supervisor itself gives up on processes that cannot be killed after a minute.
_STOP_MARGIN_S = 75.0


class ServerProcess:
    """`log_path` gets all that is printed, `scratch` is a folder for small files; `port` is the server's for HTTP."""

    def __init__(
        self, kind: ServerKind, spec: ModelSpec, site: ServerSite, log_path: Path, scratch: Path, on_event: OnEvent
    ) -> None:
        self.port = 0
        self._kind, self._spec, self._site = kind, spec, site
        self._log_path, self._scratch, self._on_event = log_path, scratch, on_event
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: list[Port] = []
        self._log_start = 0
        self._allocation: Allocation | None = None

    # ---- start -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start with ports of its own. Raises UserError if Slurm has not the nodes; then `stop` is still due."""
        self._spawn(*await asyncio.to_thread(self._prepare))

    def _prepare(self) -> tuple[list[str], dict[str, str]]:
        """The command and environment of what is started here: the server, or srun."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._kind.port_file(self._scratch).unlink(missing_ok=True)
        port, inner = Port(), Port()
        self._ports = [port, inner]
        self.port = port.number
        launch = Launch(self._spec, self._site, port.number, inner.number, self._scratch.resolve())
        if self._spec.nodes == 1:
            launch.site.cache_folder().mkdir(parents=True, exist_ok=True)
            return full_command(self._kind, launch), full_environment(self._kind, launch, os.environ)
        environment = inheritable(os.environ)
        paths = filter(None, [str(_SCRIPTS), environment.get("PYTHONPATH")])
        return self._for_nodes(launch), environment | {"PYTHONPATH": os.pathsep.join(paths)}

    def _for_nodes(self, launch: Launch) -> list[str]:
        # Asked once: it stays what it is, and a restart must not fail because the controller is away.
        allocation = self._allocation = self._allocation or allocated_nodes(self._spec)
        meeting = Port("0.0.0.0")  # only to find one that is free on all of the node's addresses
        self._ports.append(meeting)
        plan = {
            "kind": self._kind.name,
            "spec": asdict(self._spec),
            "site": asdict(self._site),
            "port": launch.port,
            "meeting_port": meeting.number,
            "scratch": str(launch.scratch),
            "nodes": allocation.nodes,
            "addresses": allocation.addresses,
            "client": socket.gethostname(),
        }
        task = [sys.executable, "-m", "omr.servers.node", "--plan", json.dumps(plan)]
        return [*srun_command(self._kind, self._spec, self._site), *task]

    def _spawn(self, command: list[str], environment: dict[str, str]) -> None:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISE), "--grace-s", str(self._site.grace_s)]
        supervisor += ["--pid-file", str(self._pid_file)]
        if self._spec.nodes > 1:
            supervisor.append("--pass-lifeline")
        self._pid_file.unlink(missing_ok=True)
        self._on_event(f"starting {shown(command)}")
        with self._log_path.open("ab") as log:
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
        return self._scratch / "server.pid"

    # ---- look --------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"{self._kind.title} of the model {self._spec.name!r}"

    def failure(self) -> ServerDied | None:
        """How it ended, if it did."""
        if self._process is None:
            return ServerDied(f"{self.title} is not running", self._log_path, "")
        status = self._process.poll()
        return None if status is None else self.died(f"{self.title} ended with {_status(status)}")

    def died(self, what: str) -> ServerDied:
        """The error that says `what` happened and what its log says since the last start."""
        return ServerDied(what, self._log_path, log_tail(self._log_path, self._log_start))

    # ---- stop --------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Stop, and return when no process is left. May be called at any time, repeatedly."""
        process, self._process = self._process, None
        try:
            if process is not None:
                assert process.stdin is not None
                process.stdin.close()
                await self._until_gone(process)
                if self._spec.nodes > 1:
                    await asyncio.to_thread(self._cancel_steps)
        finally:
            while self._ports:
                self._ports.pop().release()

    async def _until_gone(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._site.grace_s + _STOP_MARGIN_S
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
            self._on_event(f"warning: parts of {self.title} may be left on other nodes: {error}")

    def _kill_group(self) -> None:
        """The supervisor was killed, which took the server's first process along; the others share its group."""
        with suppress(OSError, ValueError):
            os.killpg(int(self._pid_file.read_text()), signal.SIGKILL)


def _status(code: int) -> str:
    number = -code if code < 0 else code - 128
    if code < 0 or code > 128:
        with suppress(ValueError):
            return f"signal {signal.Signals(number).name}"
    return f"exit status {code}"
