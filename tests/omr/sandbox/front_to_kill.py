"""A job that holds sessions, some of them evil, prints the processes that it has, and waits to be killed:
`python front_to_kill.py SCRIPTS PYTHON LACKING`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from attack_suite import processes_of

EVIL = [
    "while True:\n    try:\n        for i in range(10**7): i + 1\n    except BaseException: pass",
    "import signal, time\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\ntime.sleep(1000)",
    "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "1 + 1",
]


async def main(scripts: str, python: str, lacking: str) -> None:
    sys.path.insert(0, scripts)
    from omr.sandbox.pool import Pool
    from omr.sandbox.settings import SandboxSettings

    pool = await Pool.start(
        SandboxSettings(Path(python), slots=8, cpu_s=1000), lacking=frozenset({"packages", lacking})
    )
    sessions = [await pool.open(str(number), number) for number in range(len(EVIL))]
    running = [asyncio.create_task(session.run(code)) for session, code in zip(sessions, EVIL, strict=True)]
    await running[-1]
    while len(found := processes_of(pool)) < len(EVIL) + 1:
        await asyncio.sleep(0.05)
    print(*found, flush=True)
    await asyncio.sleep(1000)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
