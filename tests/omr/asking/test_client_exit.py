"""A process that asked something ends with its own status, though pyreqwest 0.15.1 aborts a few in a hundred."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from omr.replay.launch import running_server

SCRIPTS = Path(__file__).parents[3] / "scripts"
RUNS, AT_ONCE = 60, 6
ASK_ONE = """
import asyncio, sys
from omr.errors import leave
from omr.http.answer import Ask
from omr.http.library import LibraryHttp

async def ask():
    http = LibraryHttp(5.0, 4.0, 8, direct=True)
    try:
        return await http.ask(Ask("GET", sys.argv[1] + "/models", {}, b"", 20.0, 1 << 20))
    finally:
        await http.close()

leave(0 if asyncio.run(ask()).status == 200 else 3)
"""


def test_a_process_that_used_the_library_ends_with_its_own_status_every_time() -> None:
    ends: Counter[int] = Counter()
    said = []
    with running_server({"*": "2"}) as server:
        command = [sys.executable, "-c", ASK_ONE, server.base_url]
        for _ in range(RUNS // AT_ONCE):
            together = [
                subprocess.Popen(command, env={"PYTHONPATH": str(SCRIPTS)}, stderr=subprocess.PIPE)
                for _ in range(AT_ONCE)
            ]
            for process in together:
                said.append(process.communicate(timeout=120)[1])
                ends[process.returncode] += 1
    assert ends == {0: RUNS}, said
