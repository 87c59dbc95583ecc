"""All sessions together: room, budget, the fork server's death, the job's death."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from attack_suite import processes_of
from omr.errors import UserError
from omr.sandbox.pool import Pool
from omr.sandbox.results import Result
from omr.sandbox.session import Session
from omr.sandbox.settings import SandboxSettings

SCRIPTS = Path(__file__).parents[3] / "scripts"


#: What is tested here needs none of them.
NO_PACKAGES = frozenset({"packages"})


def with_pool(settings: SandboxSettings, use: Callable[[Pool], Awaitable[Any]], **words: Any) -> Any:
    words = {"lacking": NO_PACKAGES} | words
    settings = replace(settings, cpu_s=max(settings.cpu_s, 20.0))

    async def start_and_use() -> Any:
        pool = await Pool.start(settings, **words)
        try:
            return await use(pool)
        finally:
            await pool.close()

    return asyncio.run(start_and_use())


def test_an_opened_session_costs_no_process_before_its_first_block(sandbox: Any) -> None:
    async def open_many() -> int:
        before = sandbox.pool.counts.started
        sessions = [await sandbox.pool.open(str(n), n) for n in range(100)]
        await asyncio.gather(*(session.close() for session in sessions))
        return int(sandbox.pool.counts.started - before)

    assert sandbox.run(open_many()) == 0


def test_more_sessions_than_there_is_room_for_are_rebuilt_when_they_go_on(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> tuple[list[Result], int, int]:
        sessions = [await pool.open(str(n), n) for n in range(6)]
        for n, session in enumerate(sessions):
            await session.run(f"import random; x = {n}")
            await session.run("y = random.random(); y")
        alive = len(pool._sessions)
        results = [await session.run("print(x, y)") for session in sessions]
        return results, alive, pool.counts.made_room

    results, alive, made_room = with_pool(replace(settings, max_sessions=2), use)
    assert [result.stdout.split()[0] for result in results] == list("012345")
    assert not any(result.replay_differs for result in results)
    assert alive == 2
    assert made_room >= 8


def test_a_block_that_cannot_be_repeated_is_reported_when_its_session_is_rebuilt(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> Result:
        one, other = await pool.open("one", 0), await pool.open("other", 0)
        await one.run("import time; t = time.time_ns(); t")
        await other.run("1")
        return await one.run("t > 0")

    result = with_pool(replace(settings, max_sessions=1), use)
    assert (result.stdout, result.replay_differs) == ("True\n", True)


def test_a_session_that_cannot_be_rebuilt_starts_with_nothing_and_stays_so(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> list[Result]:
        session, other = await pool.open("one", 0), await pool.open("other", 0)
        await session.run("x = 1")
        await session.run("1")
        session._past[1] = replace(session._past[1], code="import os; os._exit(1)")
        results = []
        for _ in range(2):
            await other.run("1")  # takes the only process
            results.append(await session.run("x"))
        return results

    for result in with_pool(replace(settings, max_sessions=1), use):
        assert "NameError" in result.stderr


async def death_of_the_fork_server(pool: Pool) -> tuple[Session, Result]:
    session = await pool.open("innocent", 5)
    await session.run("import random; x = random.random(); x")
    server = pool._server
    os.kill(server._process.pid, signal.SIGKILL)
    # Behind walls of its own it dies after the process that is killed here, and may start a session until then.
    while not server.gone:
        await asyncio.sleep(0.01)
    return session, await session.run("x")


def test_after_the_death_of_the_fork_server_sessions_go_on(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> tuple[Result, Result, int]:
        _, after = await death_of_the_fork_server(pool)
        fresh = await pool.open("same seed", 5)
        return after, await fresh.run("import random; x = random.random(); x"), pool.counts.restarts

    said: list[str] = []
    after, fresh, restarts = with_pool(settings, use, say=said.append)
    assert (after.status, after.stdout, after.replay_differs) == ("ok", fresh.stdout, False)
    assert restarts == 1
    assert any("starting it again" in line for line in said)


def test_a_block_that_runs_when_the_fork_server_dies_is_run_again(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> Result:
        session = await pool.open("innocent", 0)
        await session.run("x = 1")
        running = asyncio.create_task(session.run("import time; time.sleep(0.6); x + 1"))
        await asyncio.sleep(0.2)
        os.kill(pool._server._process.pid, signal.SIGKILL)
        return await running

    assert with_pool(settings, use).stdout == "2\n"


def test_sessions_that_start_while_the_fork_server_dies_start_in_the_next_one(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> list[str]:
        said = []
        for n in range(4):
            os.kill(pool._server._process.pid, signal.SIGKILL)
            sessions = [await pool.open(str(n), n) for _ in range(3)]
            results = await asyncio.gather(*(session.run(f"{n} + 1") for session in sessions))
            said += [result.stdout for result in results]
        return said

    assert with_pool(settings, use) == [f"{n + 1}\n" for n in range(4) for _ in range(3)]


def test_a_fork_server_that_keeps_dying_ends_the_job(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omr.sandbox.pool._RESTARTS", 2)

    async def use(pool: Pool) -> None:
        for _ in range(10):
            await death_of_the_fork_server(pool)

    with pytest.raises(UserError, match="died 2 times"):
        with_pool(settings, use)


def test_a_session_that_no_longer_idles_is_stopped_and_starts_afresh(sandbox: Any) -> None:
    burn = (
        "import ctypes, signal\nclass I(ctypes.Structure): _fields_ = [(n, ctypes.c_long) for n in 'abcd']\n"
        "def burn(*a):\n    while True: pass\nsignal.signal(signal.SIGALRM, burn)\n"
        "signal.setitimer = lambda *a: ctypes.CDLL(None).setitimer(0, ctypes.byref(I(0, 0, 0, 200000)), None)"
    )

    async def idle() -> tuple[Result, bool, Result]:
        session = await sandbox.pool.open("burning", 0)
        first = await session.run(burn)
        for _ in range(100):
            await asyncio.sleep(0.1)
            if session.child is None:
                break
        stopped = session.child is None
        after = await session.run("burn")
        await session.close()
        return first, stopped, after

    first, stopped, after = sandbox.run(idle())
    assert (first.status, stopped) == ("ok", True)
    assert "NameError" in after.stderr


def test_all_together_stay_within_their_budget_and_nobody_notices_but_by_rebuilding(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> tuple[list[Result], int]:
        sessions = [await pool.open(str(n), n) for n in range(6)]
        for n, session in enumerate(sessions):
            await session.run(f"big = bytearray({200 << 20}); x = {n}")
            held = sum(child.measure() for child in pool._sessions)
            assert held <= 700 << 20
        return [await session.run("x, len(big)") for session in sessions], pool.counts.made_room

    results, made_room = with_pool(replace(settings, memory_total_mb=700), use)
    assert [result.stdout for result in results] == [f"({n}, {200 << 20})\n" for n in range(6)]
    assert made_room > 0


def test_files_in_memory_count_too(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> int:
        session = await pool.open("files", 0)
        await session.run("1")
        before = session.child.measure() if session.child else 0
        await session.run("open('a', 'wb').write(b'x' * 10_000_000)")
        return (session.child.measure() if session.child else 0) - before

    assert with_pool(settings, use) >= 10_000_000


def test_one_that_alone_holds_more_than_all_may_is_stopped_while_it_runs(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> tuple[Result, Result]:
        session = await pool.open("fat", 0)
        fat = await session.run("x = bytearray(400 << 20)\nimport time\nwhile True: time.sleep(0.01)")
        return fat, await session.run("x")

    fat, after = with_pool(replace(settings, memory_total_mb=200), use)
    assert fat.status == "memory"
    assert "NameError" in after.stderr


def test_sessions_that_came_and_went_leave_no_descriptor_and_no_process(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> tuple[int, int, int]:
        async def one(number: int, code: str) -> None:
            session = await pool.open(str(number), number)
            await session.run(code)
            await session.close()

        await one(0, "1")
        before = len(os.listdir("/proc/self/fd"))
        for number in range(30):
            await one(number, ("1", "import os; os._exit(1)", "import os; os.write(3, b'x')")[number % 3])
        after = len(os.listdir("/proc/self/fd"))
        for _ in range(200):
            if (left := len(processes_of(pool))) <= 2:
                break
            await asyncio.sleep(0.05)
        return before, after, left

    before, after, left = with_pool(settings, use)
    assert after == before
    assert left <= 2  # the fork server, and who waits for it outside its namespace


def test_a_cancelled_block_ends_at_once(settings: SandboxSettings) -> None:
    async def use(pool: Pool) -> int:
        session = await pool.open("cancelled", 0)
        running = asyncio.create_task(session.run("while True: pass"))
        await asyncio.sleep(0.3)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return len(pool._sessions)

    assert with_pool(replace(settings, cpu_s=1000.0), use) == 0


def test_closing_the_pool_leaves_no_process_even_of_blocks_that_run(settings: SandboxSettings) -> None:
    async def start_and_close() -> tuple[set[int], Result]:
        pool = await Pool.start(replace(settings, cpu_s=1000.0), lacking=NO_PACKAGES)
        session = await pool.open("endless", 0)
        running = asyncio.create_task(session.run("while True: pass"))
        await asyncio.sleep(0.5)
        found = processes_of(pool)
        await pool.close()
        await asyncio.gather(running, return_exceptions=True)
        return found

    assert gone(asyncio.run(start_and_close()))


def gone(pids: set[int]) -> bool:
    """Whether all processes end within ten seconds."""
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() and not zombie(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("lacking", ["", "namespaces"])
def test_killing_the_job_leaves_no_process(settings: SandboxSettings, lacking: str) -> None:
    command = [sys.executable, str(Path(__file__).with_name("front_to_kill.py")), str(SCRIPTS), str(settings.python)]
    with subprocess.Popen([*command, lacking], stdout=subprocess.PIPE, text=True) as front:
        assert front.stdout is not None
        pids = {int(word) for word in front.stdout.readline().split()}
        assert len(pids) >= 5
        assert not any(zombie(pid) for pid in pids)
        front.kill()
    assert gone(pids)


def test_nobody_takes_the_memory_of_a_session_that_is_being_rebuilt(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omr.sandbox.pool._GUARD_S", 0.001)

    async def use(pool: Pool) -> list[Result]:
        sessions = [await pool.open(str(n), n) for n in range(3)]
        for session in sessions:
            for block in (f"big = bytearray({150 << 20})", "x = len(big)", "y = x + 1"):
                await session.run(block)
        return [await session.run("x, y") for _ in range(2) for session in sessions]

    results = with_pool(replace(settings, memory_total_mb=200), use)
    assert [(result.stdout, result.replay_differs) for result in results] == [
        (f"({150 << 20}, {(150 << 20) + 1})\n", False)
    ] * 6


def test_a_block_of_a_session_that_rested_before_may_compute(
    settings: SandboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omr.sandbox.pool._GUARD_S", 0.001)

    async def use(pool: Pool) -> Result:
        session = await pool.open("second", 0)
        await session.run("import time; x = 1")
        return await session.run("end = time.process_time() + 0.5\nwhile time.process_time() < end: pass\nx")

    result = with_pool(replace(settings, idle_cpu_s=0.01, cpu_s=30), use)
    assert (result.status, result.stdout, result.replay_differs) == ("ok", "1\n", False)
