"""Finding out what isolation a machine offers, before any code of a model runs: each way is tried and attacked."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from omr.errors import UserError
from omr.sandbox.child import Child
from omr.sandbox.confined.preload import ENVIRONMENT
from omr.sandbox.confined.system_calls import MACHINES
from omr.sandbox.fork_server import ForkServer, Launch, StartFailed
from omr.sandbox.results import read_reply
from omr.sandbox.settings import TIERS, SandboxSettings

_NEWEST_LANDLOCK = 99
_PROBE_S = 120.0
_REMEDY = (
    "let users make namespaces (user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0), or boot a kernel of 5.13 or newer with `landlock` in lsm=, "
    "or name a container under sandbox.container"
)

#: Run in a session as a model's block would be; says what it got away with.
_PROBE = """
import ctypes, json, os, socket
escaped = []
def attempt(name, act):
    try:
        if act() is not False:
            escaped.append(name)
    except (OSError, ValueError):
        pass
attempt("read a file", lambda: open({secret!r}).read())
attempt("wrote a file", lambda: open({secret!r}, "a").write("x"))
attempt("listed a folder", lambda: os.listdir({folder!r}))
attempt("read /proc", lambda: open("/proc/self/environ").read())
attempt("connected to a port", lambda: socket.create_connection(("127.0.0.1", {port}), 2))
attempt("opened a socket", lambda: socket.socket(socket.AF_UNIX))
attempt("signalled the job", lambda: os.kill({pid}, 0))
attempt("signalled its parent", lambda: os.kill(os.getppid(), 0) if os.getppid() else False)
attempt("started a process", lambda: os.fork() or os._exit(0))
attempt("changed a mode", lambda: os.chmod({secret!r}, 0o600))
attempt("made a namespace", lambda: ctypes.CDLL(None).unshare(0x10000000) == 0)
attempt("saw the job's environment", lambda: bool(set(os.environ) - set({variables!r})))
print(json.dumps(escaped))
"""


@dataclass(frozen=True)
class Isolation:
    """What was found: a running fork server and how it was started, its tier, and why no better one."""

    tier: str
    server: ForkServer
    launch: Launch
    why_not_better: tuple[str, ...]

    @property
    def described(self) -> str:
        told = self.server.told
        words = [f"Landlock {told['landlock']}" if told["landlock"] else "no Landlock"]
        words.append("namespaces" if told["namespaces"] else "no namespaces")
        words.append("a folder per session" if told["scratch"] else "no folder to write to")
        return ", ".join(words)


async def find_isolation(settings: SandboxSettings, *, lacking: frozenset[str] = frozenset()) -> Isolation:
    """The best isolation that the machine offers, tried and attacked.

    `lacking`: `namespaces`, `landlock`, `newer landlock` (than its first version), as if the machine had none;
    `packages` does not load them beforehand. Raises UserError if there is no isolation, or less than `settings.tier`,
    or no environment.
    """
    _check_settings(settings)
    reasons: list[str] = []
    landlock = 0 if "landlock" in lacking else 1 if "newer landlock" in lacking else _NEWEST_LANDLOCK
    for namespaces in (True, False):
        if namespaces and "namespaces" in lacking:
            reasons.append("namespaces: left out")
            continue
        launch = Launch(settings, namespaces, landlock, preload="packages" not in lacking)
        way = "namespaces" if namespaces else "Landlock alone"
        try:
            server = await ForkServer.start(launch)
        except StartFailed as error:
            reasons.append(f"{way}: {error}")
            continue
        try:
            escaped = await _attack(server)
        except BaseException:
            await server.stop()
            raise
        if escaped:
            await server.stop()
            reasons.append(f"{way}: {escaped}")
            continue
        tier = "landlock" if not namespaces else "full" if server.told["landlock"] else "namespaces"
        if tier == "namespaces":
            reasons.append("Landlock: this kernel has none, or it is switched off")
        if settings.tier is not None and TIERS.index(tier) < TIERS.index(settings.tier):
            await server.stop()
            break
        return Isolation(tier, server, launch, tuple(reasons))
    asked = f"isolation `{settings.tier}`, which sandbox.tier asks for" if settings.tier else "isolation"
    raise UserError(f"sandbox unavailable: this machine offers no {asked} ({'; '.join(reasons)})", remedy=_REMEDY)


def unavailable(settings: SandboxSettings) -> str | None:
    """Why there can be no sandbox here, or None. Takes half a second: it tries, without loading the packages."""

    async def try_it() -> None:
        isolation = await find_isolation(settings, lacking=frozenset({"packages"}))
        await isolation.server.stop()

    try:
        asyncio.run(try_it())
    except UserError as error:
        return str(error)
    return None


def _check_settings(settings: SandboxSettings) -> None:
    if sys.platform != "linux":
        raise UserError(
            f"sandbox unavailable: code of models runs on Linux only, and this is {sys.platform}",
            remedy="leave out the recipes with code, or run them on a Linux machine or in a container of it",
        )
    if platform.machine() not in MACHINES:
        raise UserError(
            f"sandbox unavailable: this machine is a {platform.machine()}, whose system calls nobody has listed",
            remedy=f"run recipes with code on {' or '.join(MACHINES)}",
        )
    if settings.tier is not None and settings.tier not in TIERS:
        raise UserError(f"sandbox.tier is `{settings.tier}`", remedy=f"one of {', '.join(TIERS)}, or null")
    if not settings.container and not os.access(settings.python, os.X_OK):
        raise UserError(
            "sandbox unavailable: there is no environment to run code of models in",
            file=settings.python,
            remedy="make it from envs/sandbox.yaml (`make .venv-sandbox/sandbox.lock.txt.installed`), "
            "or name its python under sandbox.python",
        )


async def _attack(server: ForkServer) -> str | None:
    """Try in a session what no session may do. Returns what it got away with, or why it could not be tried."""
    try:
        child = await server.open(0)
    except StartFailed as error:
        return str(error)
    try:
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
            Path(folder).chmod(0o755)
            secret = Path(folder, "secret")
            secret.write_text("secret")
            secret.chmod(0o666)
            words = {
                "secret": str(secret),
                "folder": folder,
                "port": listening.getsockname()[1],
                "pid": os.getpid(),
                "variables": sorted(ENVIRONMENT),
            }
            return await _escaped(child, _PROBE.format(**words))
    finally:
        child.end()
        await server.reaped(child.number)


async def _escaped(child: Child, code: str) -> str | None:
    child.send(json.dumps({"n": 1, "code": code}).encode())
    message = await child.reply(_PROBE_S)
    result = read_reply(message, 1, 100_000, interrupted=False) if message else None
    if result is None or result.status != "ok":
        return f"its trial gave no result{': ' + result.stderr if result else ''}"
    try:
        escaped = json.loads(result.stdout)
    except ValueError:
        return f"its trial gave no result: {result.stdout[:100]}"
    return f"a session {', '.join(escaped)}" if escaped else None
