"""Model stages that compare solutions go on after a kill: no stored reply is asked for again, and none is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from omr.replay.launch import running_server
from selection_files import PROMPTS
from solution_files import Row, write_rows

SCRIPT = Path(__file__).parents[1] / "scripts" / "generate.py"
GROUP: Row = {"problem": "What?", "solutions": "Solution 0:\nA.\n\nSolution 1:\nB.", "num_solutions": 2, "max_index": 1}
#: Per stage: its prompt, how often each row is asked, and the fields of a row.
STAGES = {
    "generate_wrong_summaries": ("summarize_solution", 4, {"problem": "What?", "solution": "So \\boxed{6}."}),
    "select_solutions": ("select_solution", 1, GROUP),
    "generate_selection_summaries": ("summarize_selection", 4, GROUP | {"comparison": "Judgment: 1"}),
}
REQUESTS = 160


def stored(journal: Path) -> set[str]:
    """`<row>/<prompt>/<seed>` of every whole line."""
    if not journal.exists():
        return set()
    whole = [line for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return {f"{reply['id']}/{reply['prompt']}/{reply['seed']}" for reply in map(orjson.loads, whole)}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_killed_in_the_middle_goes_on_and_asks_nothing_twice(tmp_path: Path, stage: str) -> None:
    prompt, seeds, fields = STAGES[stage]
    write_rows(tmp_path / "rows.jsonl", ({"id": f"r{n}-1-g0", **fields} for n in range(REQUESTS // seeds)))
    with running_server(8, latency_s=0.03) as server:
        entry = {"path": "replay", "server": "endpoint", "base_url": server.base_url, "concurrency": 4}
        (tmp_path / "config.yaml").write_bytes(orjson.dumps({"models": {"m": entry}}))
        flags = {"stage": stage, "rows": "rows.jsonl", "prompt": PROMPTS / f"{prompt}.yaml", "config": "config.yaml"}
        flags |= {"model": "m", "max-tokens": "100", "output": "out.jsonl", "counts": "counts.json", "grace-s": "1"}
        command = [sys.executable, str(SCRIPT), *(str(part) for k, v in flags.items() for part in (f"--{k}", v))]
        command += ["--seed", *map(str, range(seeds))]
        known: set[str] = set()
        for _ in range(3):
            asked = dict(server.counts)
            process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True)
            deadline = time.monotonic() + 60
            while len(stored(tmp_path / "out.jsonl.journal")) < len(known) + 20 and time.monotonic() < deadline:
                time.sleep(0.005)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            again = {name.partition("/")[2] for name, times in server.counts.items() if times > asked.get(name, 0)}
            assert not again & known
            known |= stored(tmp_path / "out.jsonl.journal")
        assert 0 < len(known) < REQUESTS
        asked = dict(server.counts)
        assert subprocess.run(command, cwd=tmp_path, check=False, timeout=120).returncode == 0
        assert sum(server.counts.values()) - sum(asked.values()) == REQUESTS - len(known)
    replies = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert len(replies) == REQUESTS == len({(reply["id"], reply["seed"]) for reply in replies})
