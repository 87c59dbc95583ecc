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
from omr.asking.client import ChatClient, Endpoint
from omr.asking.leaving import leave
from omr.asking.requests import Request, Sampling
from omr.models.model import ModelSpec

async def ask():
    spec, sampling = ModelSpec("replay", "replay", "replay", replies="x"), Sampling(0.0, 1.0, 16)
    async with ChatClient(spec, "stage", sampling, Endpoint(sys.argv[1])) as client:
        return await client.ask(Request("r", "p", 0, [{"role": "user", "content": "1 + 1?"}], "0" * 16))

leave(0 if asyncio.run(ask())["text"] == "2" else 3)
"""


def test_a_process_that_used_the_client_ends_with_its_own_status_every_time() -> None:
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
