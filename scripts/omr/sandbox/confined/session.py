"""The child that is one session: walls of its own, then one request after the other."""

from __future__ import annotations

import builtins
import json
import os
import random
import secrets
import signal
import socket
import sys
import types
from dataclasses import dataclass
from typing import Any

from omr.sandbox.confined import kernel, landlock, limits, new_root, seccomp
from omr.sandbox.confined.cells import Interrupt, run_cell
from omr.sandbox.confined.output import Capped
from omr.sandbox.confined.walls import Walls

#: Its end of the socket to the front, and the reading end of a pipe behind descriptors 1 and 2.
CHANNEL, _RAW = 3, 4
_LONGEST_REQUEST = 1 << 20

#: Where numpy's `default_rng()` takes its entropy; seeded per session.
entropy = random.Random(0)


def draw_from_own_entropy() -> None:
    """To be called before numpy is imported."""
    secrets.randbits = entropy.getrandbits  # type: ignore[assignment]


@dataclass(frozen=True)
class Place:
    """What all sessions of a fork server have in common. `base`: see `limits.apply`."""

    walls: Walls
    limits: limits.Limits
    base: tuple[int, int]


class NotConfined(Exception):  # noqa: N818  it is a fact about the machine
    """A wall could not be put up; the message says which. No code has run."""


def confine(channel: int, place: Place) -> None:
    """Put this process behind walls of its own, for good, and say so on the channel. Raises NotConfined."""
    server = os.getppid()
    os.setsid()
    raw, raw_end = os.pipe2(os.O_NONBLOCK)
    os.dup2(channel, CHANNEL)
    os.dup2(raw_end, 1)
    os.dup2(raw_end, 2)
    os.dup2(raw, _RAW)
    os.closerange(_RAW + 1, 200)
    try:
        _send_gauges(place)
        _put_up_walls(server, place)
    except (OSError, ValueError) as error:
        raise NotConfined(f"{error}") from error
    os.write(CHANNEL, b'{"confined": true}')


def _send_gauges(place: Place) -> None:
    """Give the front descriptors from which it reads this session's memory and files, whatever runs here later."""
    walls = place.walls
    if walls.scratch:
        new_root.mount_scratch(place.limits.scratch_mb)
    gauges = [os.open("self/statm", os.O_RDONLY, dir_fd=walls.proc)]
    if walls.scratch:
        gauges.append(os.open(new_root.SCRATCH, os.O_RDONLY | os.O_DIRECTORY))
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        socket.send_fds(channel, [b'{"gauges": true}'], gauges)


def _put_up_walls(server: int, place: Place) -> None:
    """The order matters: mounts before capabilities go, rules of Landlock before the calls for it are refused."""
    rules = place.walls.landlock
    kernel.drop_capabilities()
    kernel.die_with_parent(server)
    kernel.set_dumpable(False)
    kernel.no_new_privileges()
    limits.apply(place.limits, place.base)
    if rules is not None:
        landlock.restrict_self(rules)
    os.closerange(_RAW + 1, 1024)
    seccomp.restrict_calls(os.getpid())


def _seed(seed: int) -> None:
    random.seed(seed)
    entropy.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "sympy" in sys.modules:
        sys.modules["sympy"].core.random.seed(seed)  # a generator of its own, seeded by the system when imported


def serve(seed: int, output_chars: int) -> None:
    """Run what is asked, one request after the other, until the front closes the channel."""
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    out, err = Capped(output_chars), Capped(output_chars)
    running = False

    def interrupt(_signal: int, _frame: types.FrameType | None) -> None:
        if running:
            raise Interrupt

    sys.argv, sys.orig_argv = [""], []  # they name folders of the machine
    _seed(seed)
    room = limits.MemoryRoom()
    # Names of the runner's own: a block may empty the modules that they come from.
    read, write, dumps, loads, handle = os.read, os.write, json.dumps, json.loads, signal.signal
    while asked := read(CHANNEL, _LONGEST_REQUEST):
        request = loads(asked)
        out.reset()
        err.reset()
        room.lower()
        handle(signal.SIGINT, interrupt)
        try:
            running = True
            status = run_cell(module, request["code"], request["n"], out, err)
            running = False
        except Interrupt:  # between the block's last instruction and here
            running = False
            status = "timeout"
        room.lift()
        _close_figures()
        _take_raw(out)
        write(CHANNEL, dumps(_reply(request["n"], status, out, err)).encode())


def _reply(number: int, status: str, out: Capped, err: Capped) -> dict[str, Any]:
    (stdout, stdout_chars), (stderr, stderr_chars) = out.told(), err.told()
    return {
        "n": number,
        "status": status,
        "stdout": stdout,
        "stderr": stderr,
        "stdout_chars": stdout_chars,
        "stderr_chars": stderr_chars,
    }


def _close_figures() -> None:
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def _take_raw(out: Capped) -> None:
    """What was written to descriptors 1 and 2 themselves."""
    try:
        while piece := os.read(_RAW, 1 << 16):
            out.write(piece.decode(errors="replace"))
    except BlockingIOError:
        return
