"""The sandbox: sessions and calls per CPU second, latency with many sessions, memory per session.

`python benchmarks/sandbox.py` prints one table; `--python` names the environment, `--slots` the blocks that run at
once, `--sessions` how many are open in the largest case. The baseline, in the same run, is a fresh interpreter for
each block that first runs the blocks before it again. CPU seconds are those of the front, the fork server, and all
sessions. A last column has the figures that were measured for the prototype, on another machine of the same size.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from omr.sandbox.child import Child  # noqa: E402
from omr.sandbox.pool import Pool  # noqa: E402
from omr.sandbox.session import Session  # noqa: E402
from omr.sandbox.settings import SandboxSettings  # noqa: E402

#: What solutions ask: a loop, an equation, a system, an integral, primes, a matrix.
BLOCKS = (
    "total = sum(k * k for k in range(1, 100_001) if k % 3 == 0)\nprint(total)",
    "from sympy import *\nx, y = symbols('x y')\nsolve(x**4 - 5*x**2 + 4, x)",
    "solve([x + 2*y - 7, x**2 + y**2 - 10], [x, y])",
    "integrate(x**2 * exp(-x), (x, 0, oo))",
    "print(sum(primerange(1, 20_000)), factorint(2**40 - 1))",
    "import numpy as np\nprint(np.round(np.linalg.eigvalsh(np.array([[2.0, 1.0], [1.0, 3.0]])), 6))",
)
TRIVIAL = "1 + 1"
#: The prototype's figures, measured elsewhere: an order of magnitude to compare with.
PROTOTYPE = {
    "start": "2.2-2.8",
    "open": "7.8",
    "mixed": "93-97",
    "trivial": "4,100-4,500",
    "fresh": "2.8 + 0.43",
    "used": "13.9",
    "paced": "10-15 / 76-86",
    "burst": "8,100 / 23,200",
    "baseline": "1.2",
}


@dataclass
class Row:
    what: str
    measured: str
    prototype: str


class Meter:
    """CPU seconds of the front, the fork server and all sessions, those that have ended too."""

    def __init__(self, pool: Pool) -> None:
        self._server = pool._server._process.pid
        self.start()

    def start(self) -> None:
        self._before_s = self._now_s()

    def used_s(self) -> float:
        return self._now_s() - self._before_s

    def _now_s(self) -> float:
        return time.process_time() + sum(_cpu_s(pid) for pid in _descendants(self._server))


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
        except OSError:
            continue
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _cpu_s(pid: int) -> float:
    """Of a process and of its children that were reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return time.clock_gettime((~pid << 3) | 2) + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def _private_mb(child: Child) -> float | None:
    """Memory that only this session has, page tables included; None where the kernel shows it to root alone."""
    try:
        rollup = Path(f"/proc/{child.pid}/smaps_rollup").read_text().splitlines()
        status = Path(f"/proc/{child.pid}/status").read_text().splitlines()
    except OSError:
        return None
    lines = [line for line in rollup if line.startswith("Private_")] + [line for line in status if "VmPTE" in line]
    return sum(int(line.split()[1]) for line in lines) / 1024


def _memory(sessions: list[Session]) -> str:
    children = [session.child for session in sessions if session.child is not None]
    sizes = [_private_mb(child) for child in children[:50]]
    known = [size for size in sizes if size is not None]
    return f"{sum(known) / len(known):.1f}" if known else "not shown to this user"


def _quantiles(values: list[float]) -> str:
    ordered = sorted(values)
    p50, p99 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 for share in (0.5, 0.99))
    return f"{p50:,.0f} / {p99:,.0f}"


async def _open(pool: Pool, count: int, code: str = TRIVIAL) -> list[Session]:
    sessions = [await pool.open(str(number), number) for number in range(count)]
    await asyncio.gather(*(session.run(code) for session in sessions))
    return sessions


async def _close(sessions: list[Session]) -> None:
    await asyncio.gather(*(session.close() for session in sessions))


async def _opening(pool: Pool) -> list[Row]:
    meter, began_s, count = Meter(pool), time.monotonic(), 200
    sessions = await _open(pool, count, "pass")
    wall_s, cpu_s = time.monotonic() - began_s, meter.used_s()
    fresh = _memory(sessions)
    await _close(sessions)
    return [
        Row(
            "new session, CPU ms (sessions a second by the clock)",
            f"{cpu_s / count * 1000:.1f} ({count / wall_s:.0f})",
            PROTOTYPE["open"],
        ),
        Row("memory of a fresh session, MB private and page tables", fresh, PROTOTYPE["fresh"]),
    ]


async def _calling(pool: Pool) -> list[Row]:
    count = 100
    sessions = await _open(pool, count, "pass")
    meter = Meter(pool)
    await asyncio.gather(*(_run_all(session) for session in sessions))
    mixed = count * len(BLOCKS) / meter.used_s()
    used = _memory(sessions)
    await _close(sessions)
    session = (await _open(pool, 1))[0]
    meter.start()
    for _ in range(5000):
        await session.run(TRIVIAL)
    trivial = 5000 / meter.used_s()
    await session.close()
    return [
        Row("six mixed calls, calls per CPU second", f"{mixed:.0f}", PROTOTYPE["mixed"]),
        Row("trivial call, calls per CPU second", f"{trivial:,.0f}", PROTOTYPE["trivial"]),
        Row("memory of a session after the six, MB", used, PROTOTYPE["used"]),
    ]


async def _run_all(session: Session) -> None:
    for block in BLOCKS:
        result = await session.run(block)
        assert result.status == "ok", result


async def _paced(pool: Pool, sessions: list[Session], *, calls: int, per_s: float) -> Row:
    """Calls at random moments, as turns of solutions come in; each waits for its slot."""
    draw = random.Random(0)
    times: list[float] = []

    async def call(number: int, at_s: float) -> None:
        await asyncio.sleep(at_s)
        began_s = time.monotonic()
        await sessions[number % len(sessions)].run(BLOCKS[number % len(BLOCKS)] if number % 2 else TRIVIAL)
        times.append(time.monotonic() - began_s)

    moments = sorted(draw.uniform(0, calls / per_s) for _ in range(calls))
    await asyncio.gather(*(call(number, at_s) for number, at_s in enumerate(moments)))
    what = f"{len(sessions)} sessions, {per_s:g} calls a second, p50 / p99 ms"
    return Row(what, _quantiles(times), PROTOTYPE["paced"] if len(sessions) == 256 else "-")


async def _burst(sessions: list[Session]) -> Row:
    times: list[float] = []

    async def call(session: Session, block: str) -> None:
        began_s = time.monotonic()
        await session.run(block)
        times.append(time.monotonic() - began_s)

    await asyncio.gather(*(call(session, BLOCKS[1]) for session in sessions))
    return Row(f"{len(sessions)} sessions all at once, p50 / p99 ms", _quantiles(times), PROTOTYPE["burst"])


def _baseline(python: Path) -> Row:
    """The six blocks of one solution, each in a fresh interpreter behind those before it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for number in range(len(BLOCKS)):
        code = "\n".join(BLOCKS[: number + 1])
        subprocess.run([str(python), "-c", code], env={}, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    what = "baseline without any isolation: fresh interpreter, blocks replayed, calls per CPU second"
    return Row(what, f"{len(BLOCKS) / used_s:.1f}", PROTOTYPE["baseline"])


async def measure(settings: SandboxSettings, sessions: int, say: Callable[[Row], None]) -> None:
    """Each row is told as soon as it is known."""
    pool = await Pool.start(settings, lambda line: print(line, file=sys.stderr))
    try:
        started = sum(_cpu_s(pid) for pid in _descendants(pool._server._process.pid))
        say(Row("start of the pool, CPU s", f"{started:.1f}", PROTOTYPE["start"]))
        for row in await _opening(pool) + await _calling(pool):
            say(row)
        for count in (256, sessions):
            opened = await _open(pool, count)
            say(await _paced(pool, opened, calls=600, per_s=20))
            if count == sessions:
                say(await _burst(opened))
            await _close(opened)
    finally:
        await pool.close()
    say(_baseline(settings.python))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, default=ROOT / ".venv-sandbox" / "bin" / "python")
    parser.add_argument("--slots", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sessions", type=int, default=1000)
    args = parser.parse_args(argv)
    settings = SandboxSettings(args.python, slots=args.slots, memory_total_mb=64_000, max_sessions=args.sessions)
    print("| what | measured | prototype |\n|---|---|---|")
    asyncio.run(
        measure(
            settings, args.sessions, lambda row: print(f"| {row.what} | {row.measured} | {row.prototype} |", flush=True)
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
