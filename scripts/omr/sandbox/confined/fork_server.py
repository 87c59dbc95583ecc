"""The process that sessions are forked from. Started by the front with an empty environment and one socket, its stdin.

Messages on that socket, JSON, one each: asked {"open": id, "seed": n} with the session's end of a socket, and
{"reap": id}; told {"ready": ...} or {"refused": why} once, and {"exit": [id, code]} for each reaped session, where code
is null if there is none of that id. A dead session stays unreaped until asked, so that its process id never names
another process while the front may signal it.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any

from omr.sandbox.confined import kernel, new_root, preload, session, walls
from omr.sandbox.confined.limits import Limits

CONTROL = 3
_LONGEST_MESSAGE = 1 << 16
#: How often it looks whether a session that shall be reaped has ended.
_LOOK_AGAIN_S = 0.02


def main(arguments: list[str]) -> None:
    """Arguments: the options as JSON (`front.Launch` writes them)."""
    options = json.loads(arguments[0])
    control = _take_control()
    try:
        place, told = _prepare(options)
    except (OSError, walls.NoWalls) as error:
        control.send(json.dumps({"refused": f"{error}"}).encode())
        return
    control.send(json.dumps({"ready": told}).encode())
    _Server(control, place).run()


def _take_control() -> socket.socket:
    """Stdin becomes descriptor 3, and stdin empty."""
    os.umask(0o022)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024 if hard == resource.RLIM_INFINITY else min(1024, hard), hard))
    os.dup2(0, CONTROL, inheritable=False)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return socket.socket(fileno=CONTROL)


def _prepare(options: dict[str, Any]) -> tuple[session.Place, dict[str, Any]]:
    """Walls first, packages after: what is loaded is loaded from behind them. Returns what to tell the front."""
    kernel.die_with_parent(os.getppid())
    known_as = preload.identity()
    stands = walls.enter(namespaces=options["namespaces"], abi_at_most=options["landlock_at_most"])
    sys.path[:] = [path for path in sys.path if path != options["scripts"]]
    os.chdir("/")
    os.umask(0o077)
    session.draw_from_own_entropy()
    missing = []
    if options["preload"]:
        with new_root.folder_while_loading(mounts=stands.scratch) as folder:
            preload.set_environment(folder)
            missing = preload.load(options["modules"])
    preload.set_environment(new_root.SCRATCH if stands.scratch else "/")
    gc.collect()
    gc.freeze()  # the collector leaves inherited pages alone, and so shared
    place = session.Place(stands, Limits(**options["limits"]), kernel.memory_pages(stands.proc))
    told = {
        "namespaces": stands.namespaces,
        "scratch": stands.scratch,
        "landlock": stands.abi,
        "user": os.geteuid(),
        "identity": known_as,
        "missing": missing,
    }
    return place, told


class _Server:
    def __init__(self, control: socket.socket, place: session.Place) -> None:
        self._control = control
        self._place = place
        self._pids: dict[int, int] = {}
        self._to_reap: set[int] = set()

    def run(self) -> None:
        """Until the front closes its end, or is gone."""
        while True:
            ready, _, _ = select.select([self._control], [], [], _LOOK_AGAIN_S if self._to_reap else None)
            for number in list(self._to_reap):
                self._reap(number)
            if not ready:
                continue
            message, channels, _, _ = socket.recv_fds(self._control, _LONGEST_MESSAGE, 1)
            if not message:
                return
            request = json.loads(message)
            if "open" in request:
                self._open(request["open"], request["seed"], channels[0])
                os.close(channels[0])
            else:
                self._reap(request["reap"])

    def _open(self, number: int, seed: int, channel: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:  # too many processes, say
            os.write(channel, json.dumps({"refused": f"fork: {error.strerror}"}).encode())
            return
        if pid:
            self._pids[number] = pid
            return
        status = 1
        try:
            session.confine(channel, self._place)
            session.serve(seed, self._place.limits.output_chars)
            status = 0
        except session.NotConfined as error:
            os.write(session.CHANNEL, json.dumps({"refused": str(error)}).encode())
        finally:
            os._exit(status)

    def _reap(self, number: int) -> None:
        pid = self._pids.get(number)
        if pid is None:
            self._tell_exit(number, None)
            return
        found, status = os.waitpid(pid, os.WNOHANG)
        if not found:
            self._to_reap.add(number)
            return
        self._to_reap.discard(number)
        del self._pids[number]
        self._tell_exit(number, os.waitstatus_to_exitcode(status))

    def _tell_exit(self, number: int, code: int | None) -> None:
        self._control.send(json.dumps({"exit": [number, code]}).encode())
