"""The attacks of `attacks/<kind>/`, each against a sandbox or against a bare interpreter, and what became of the target.

An attack's first line says what must not happen, its second how that shows, apart from `ESCAPED`, a secret, or the name
of a secret in what it prints:
    file       a file of the user's, its mode, times, or attributes, or the list of its folder has changed
    net        something came in at a port, a socket's path, or an abstract socket
    proc       the victim, a process of the same user, has died, or its limits have changed
    left       a process is there after the session was closed
    idle       it computes on after its block has ended
    next:E     the session cannot work out E afterwards (with or without its variables)
    fresh:E=V  another session does not find V for E
    names      (it can be held only by a root folder of its own: where there are no namespaces, it is left out)
    bare       it must succeed against a bare interpreter, or it tests nothing

`python attack_suite.py SCRIPTS PYTHON LACKING KIND...` attacks by hand, as another user say, and prints JSON: the tier, and
attack -> what it got away with, or null. On the standard library alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ATTACKS = Path(__file__).parent / "attacks"
#: Kinds that walls hold, whatever the tier; the other kinds are held by limits and by the runner, the same in all tiers.
WALLS = ("files", "environment", "changes", "network", "processes", "kernel")
INSIDE = ("time", "memory", "output", "runner")
_SECRET = "sk-can" + "ary-0123456789abcdef"
_NAME = "SEEN-CANARY-NAME"
_SIGNS = ("ESCAPED", _NAME)


@dataclass(frozen=True)
class Attack:
    kind: str
    name: str
    checks: tuple[str, ...]
    code: str

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.name}"

    def wants(self, prefix: str) -> list[str]:
        return [word[len(prefix) :] for word in self.checks if word.startswith(prefix)]


def attacks(*kinds: str) -> list[Attack]:
    found = []
    for path in sorted(ATTACKS.glob("*/*.py")):
        first, second, _ = path.read_text().split("\n", 2)
        assert first.startswith("# MUST NOT: "), path
        assert second.startswith("# CHECK: "), path
        if path.parent.name in kinds:
            found.append(Attack(path.parent.name, path.stem, tuple(second.split()[2:]), path.read_text()))
    return found


@dataclass
class Target:
    """What attacks aim at: files, ports, and a process. Open to everybody, so that only the sandbox keeps them."""

    home: Path
    port: int
    victim: subprocess.Popen[bytes]
    listeners: list[socket.socket] = field(default_factory=list)
    before: Any = None

    def filled(self, code: str, scripts: str) -> str:
        words = {
            "HOME": self.home,
            "PORT": self.port,
            "VICTIM": self.victim.pid,
            "PARENT": os.getpid(),
            "SCRIPTS": scripts,
        }
        return re.sub("@([A-Z]+)@", lambda found: str(words[found[1]]), code)

    def files(self) -> Any:
        victim = self.home / "victim.txt"
        stat = victim.stat() if victim.exists() else None
        kept = stat and (stat.st_mode, stat.st_uid, stat.st_size, stat.st_mtime)
        return sorted(os.listdir(self.home)), kept, victim.read_text() if stat else None

    def process(self) -> Any:
        pid = self.victim.pid
        if self.victim.poll() is not None:
            return None
        limits = Path(f"/proc/{pid}/limits").read_text()
        return limits, os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid)

    def harm(self, checks: tuple[str, ...]) -> str | None:
        """What has happened to it, as far as the attack's checks ask."""
        if "file" in checks and self.files() != self.before[0]:
            return "files have changed"
        if "proc" in checks and self.process() != self.before[1]:
            return "the victim is dead or changed"
        if "net" in checks:
            for listener in self.listeners:
                with contextlib.suppress(BlockingIOError):
                    listener.recv(10) if listener.type == socket.SOCK_DGRAM else listener.accept()
                    return "something came in"
        return None


@contextlib.contextmanager
def target(victims_user: int | None = None) -> Iterator[Target]:
    """`victims_user`: whom the victim belongs to; its user must not be all that keeps it."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="attacked-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder)
        home.chmod(0o777)
        (home / "secret.txt").write_text(_SECRET)
        (home / "victim.txt").write_text("as it was")
        (home / "link").symlink_to("/CANARY")
        for name in ("secret.txt", "victim.txt"):
            (home / name).chmod(0o666)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = tcp.getsockname()[1]
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", port))
        by_path = stack.enter_context(socket.socket(socket.AF_UNIX))
        by_path.bind(f"{folder}/sock")
        (home / "sock").chmod(0o777)
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0tir-abstract-{port}")
        for listener in (by_path, abstract):
            listener.listen()
        for listener in (tcp, udp, by_path, abstract):
            listener.setblocking(False)
        victim = subprocess.Popen(["/bin/sleep", "600"], user=victims_user, cwd="/")
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        aim = Target(home, port, victim, [tcp, udp, by_path, abstract])
        aim.before = (aim.files(), aim.process())
        yield aim


def signs(stdout: str, stderr: str) -> str | None:
    """A traceback shows lines of the attack itself, so of stderr only secrets count."""
    if _SECRET in stdout + stderr:
        return "it printed a secret"
    return next((f"it printed {sign[:20]}" for sign in _SIGNS if sign in stdout), None)


def canary_environment() -> dict[str, str]:
    """What the job's environment holds that no session may see."""
    return {"CANARY_KEY": _SECRET}


def attack_bare(attack: Attack, scripts: str) -> str | None:
    """Run it in a bare interpreter. Returns what it got away with."""
    with target() as aim, tempfile.TemporaryDirectory() as cwd:
        stdin = os.open(aim.home / "secret.txt", os.O_RDONLY)
        try:
            done = subprocess.run(
                [sys.executable, "-c", aim.filled(attack.code, scripts)],
                env={**os.environ, **canary_environment()},
                cwd=cwd,
                capture_output=True,
                pass_fds=[stdin],
                timeout=60,
                check=False,
            )
        finally:
            os.close(stdin)
        time.sleep(0.02)  # a signal sent by the kernel, and the victim's end, take a moment
        return signs(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")) or aim.harm(
            attack.checks
        )


def processes_of(pool: Any) -> set[int]:
    """The process ids of all that descends from the pool's fork server."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = path.read_text()
            parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
    found, due = set(), [pool._server._process.pid]
    while due:
        pid = due.pop()
        found.add(pid)
        due += parents.get(pid, [])
    return found


async def attack_pool(pool: Any, attack: Attack, aim: Target, scripts: str, *, number: int = 0) -> str | None:
    """Run it in a session. Returns what it got away with."""
    before = processes_of(pool) if "left" in attack.checks else set()
    session = await pool.open(attack.id, number)
    try:
        result = await session.run(aim.filled(attack.code, scripts))
        found = signs(result.stdout, result.stderr) or aim.harm(attack.checks)
        if found is None and max(len(result.stdout), len(result.stderr)) > pool.settings.output_chars:
            found = "it printed more than is kept"
        if found is None and "idle" in attack.checks:
            found = await _computes_on(session)
        for expression in attack.wants("next:"):
            after = await session.run(expression)
            if after.status in ("died", "broken"):  # it had spoiled its own interpreter; the next one is a new one
                after = await session.run(expression)
            if found is None and after.stdout.strip() != str(eval(expression)):
                found = f"afterwards {expression} gave {after}"
        for wanted in attack.wants("fresh:"):
            expression, _, value = wanted.rpartition("=")
            other = await pool.open("other", 0)
            after = await other.run(f"print({expression})")
            await other.close()
            if found is None and after.stdout.strip() != value:
                found = f"elsewhere {expression} gave {after}"
    finally:
        await session.close()
    if found is None and "left" in attack.checks:
        for _ in range(1000):
            if not (left := processes_of(pool) - before):
                return None
            await asyncio.sleep(0.01)
        found = f"left {left}"
    return found


async def _computes_on(session: Any) -> str | None:
    """Whether a session computes on after its block, until it is stopped (the guard looks every second) or rests."""
    for _ in range(60):
        if (child := session.child) is None:
            return None
        before = child.cpu_s()
        await asyncio.sleep(1.5)
        if session.child is child and child.cpu_s() == before:
            return None
    return "it computes between blocks"


async def _main(scripts: str, python: str, lacking: str, kinds: list[str]) -> None:
    sys.path.insert(0, scripts)
    from omr.sandbox.pool import Pool
    from omr.sandbox.settings import SandboxSettings

    os.environ.update(canary_environment())
    settings = SandboxSettings(python=Path(python), slots=1, cpu_s=0.5, grace_s=0.3, memory_mb=512)
    pool = await Pool.start(settings, lacking=frozenset({"packages", *lacking.split(",")}))
    told = pool._isolation.server.told
    with target(told["user"] if os.geteuid() == 0 else None) as aim:
        found = {
            attack.id: await attack_pool(pool, attack, aim, scripts)
            for attack in attacks(*kinds)
            if "numpy" not in attack.code
            and "sympy" not in attack.code
            and not ("names" in attack.checks and pool.tier == "landlock")
        }
    await pool.close()
    print(json.dumps({"tier": pool.tier, "user": told["user"], "scratch": told["scratch"], "found": found}))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:4], sys.argv[4:]))
