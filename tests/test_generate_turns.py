"""The generate command where solutions run code: in the real sandbox, killed at any moment, over shards, refused in time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from omr.asking.code_settings import CodeSettings
from omr.replay.faults import Fault
from omr.replay.launch import running_server
from omr.replay.replies import Reply, Turn
from omr.replies.steps import steps_of
from turn_lab import block

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts/generate.py"
PYTHON = ROOT / ".venv-sandbox/bin/python"
CODE = {
    "tags": "tool_call", "min_budget": 1, "max_budget": 8, "show_budget": True, "timeout_s": 10, "output_chars": 1000,
    "memory_mb": 2048,
}  # fmt: skip
SITE = {"python": str(PYTHON), "cores": 2, "memory_gb": 4, "tier": None, "container": [], "required": True}
TEMPLATE = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant] "

needs_sandbox = pytest.mark.skipif(not PYTHON.exists(), reason="make .venv-sandbox/sandbox.lock.txt.installed")


def said(request_id: str) -> Reply:
    """Three blocks that build on each other, and differ from row to row; the last is more than some may run."""
    row = int(request_id.split("/")[1].removeprefix("r"))
    blocks = [f"x = {row}\nprint(x)", "x *= 2\nprint(x)", "import random\nprint(x + 1, random.random())"]
    turns = [Turn(f"Step {number}\n{block(code)}") for number, code in enumerate(blocks)]
    return Reply("", turns=(*turns, Turn(f"So \\boxed{{{2 * row}}}.")))


class Job:
    """A folder with rows, a prompt and a config, and the command that asks for solutions with code."""

    def __init__(
        self, folder: Path, base_url: str, rows: int = 6, code: dict[str, Any] | None = None, **model: Any
    ) -> None:
        self.folder, self.code = folder, CODE | (code or {})
        folder.mkdir(exist_ok=True)
        lines = [orjson.dumps({"id": f"r{number}", "problem": f"double {number}"}) + b"\n" for number in range(rows)]
        (folder / "rows.jsonl").write_bytes(b"".join(lines))
        (folder / "solve.yaml").write_text("user: 'With {{ code_budget }} blocks: {{ problem }}'\n")
        (folder / "chat_template.jinja").write_text(TEMPLATE)
        entry = {"path": "replay", "server": "endpoint", "base_url": base_url, "retries": 2, "max_outage_s": 2}
        self.write_config(entry | {"chat_template": "chat_template.jinja", "concurrency": 8} | model, SITE)

    def write_config(self, entry: dict[str, Any], site: dict[str, Any]) -> None:
        self.entry = {name: value for name, value in entry.items() if value is not None}
        (self.folder / "config.yaml").write_bytes(orjson.dumps({"models": {"m": self.entry}, "sandbox": site}))

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        flags = {"stage": "solve", "rows": "rows.jsonl", "prompt": "solve.yaml", "config": "config.yaml", "model": "m"}
        flags |= {"max-tokens": "4000", "output": "replies.jsonl", "counts": "counts.json", "grace-s": "1"}
        flags |= {"code": orjson.dumps(self.code).decode()}
        command = [sys.executable, str(SCRIPT), *(part for k, v in flags.items() for part in (f"--{k}", v)), *more]
        return subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, start_new_session=True)

    def run(self, *more: str) -> tuple[int, str]:
        process = self.start(*more)
        _, errors = process.communicate(timeout=240)
        return process.returncode, errors.decode()

    def replies(self, output: str = "replies.jsonl") -> dict[str, dict[str, Any]]:
        rows = map(orjson.loads, (self.folder / output).read_bytes().splitlines())
        return {row["id"]: row for row in rows}


def content(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name not in ("latency_s", "code_cpu_s", "usage")}


@needs_sandbox
def test_code_is_run_in_the_sandbox_within_each_solutions_own_budget(tmp_path: Path) -> None:
    with running_server(said) as server:
        job = Job(tmp_path, server.base_url)
        done = job.run()
        assert done[0] == 0, done[1]
    replies = job.replies()
    budgets = {row: CodeSettings.read(CODE).executions_allowed(f"{row}/solve/0") for row in replies}
    assert len(set(budgets.values())) > 1
    for row, reply in replies.items():
        number = int(row.removeprefix("r"))
        assert reply["executions_allowed"] == budgets[row]
        assert reply["executions"] == min(budgets[row], 3)
        assert reply["ended"] == ("stop" if budgets[row] >= 3 else "too_many_blocks")
        outputs = [step.output(reply["text"]) for step in steps_of(reply)]
        assert outputs[:2] == [f"{number}\n", f"{2 * number}\n"][: budgets[row]]
        assert reply["sandbox"]["tier"] in ("full", "namespaces", "landlock")
    assert not (tmp_path / "replies.jsonl.turns").exists()
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    assert counts["code"]["executions"] == sum(reply["executions"] for reply in replies.values())


@needs_sandbox
def test_killed_again_and_again_no_finished_turn_is_asked_for_twice(tmp_path: Path) -> None:
    rows, draw = 24, random.Random(7)
    with running_server(said, latency_s=0.15) as server:
        whole = Job(tmp_path / "whole", server.base_url, rows)
        assert whole.run()[0] == 0
        expected = {row: content(reply) for row, reply in whole.replies().items()}
        server.reset()
        job = Job(tmp_path / "killed", server.base_url, rows)
        turns, settled = job.folder / "replies.jsonl.turns", dict[str, int]()
        for _ in range(2):
            process = job.start()
            wait_for_growth(turns, process)
            time.sleep(draw.uniform(0.0, 0.5))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
            received = server.requests()["received"]
            settled |= {name: received[name] for name in turns_of(turns)}
            with turns.open("ab") as file:
                file.write(b'{"id":"r1","prompt":"solve","torn')
        done = job.run()
        assert done[0] == 0, done[1]
        received = server.requests()["received"]
    assert {row: content(reply) for row, reply in job.replies().items()} == expected
    assert len(settled) > 5
    assert {name: received[name] for name in settled} == settled


def wait_for_growth(turns: Path, process: subprocess.Popen[bytes]) -> None:
    size = turns.stat().st_size if turns.exists() else 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if turns.exists() and turns.stat().st_size > size:
            return
        time.sleep(0.02)
    raise AssertionError("no turn was stored")


def turns_of(path: Path) -> set[str]:
    """The request ids of stored turns."""
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return {f"solve/{row['id']}/{row['prompt']}/{row['seed']}/{row['turn']}" for row in rows}


@needs_sandbox
def test_two_shards_in_any_order_give_the_solutions_of_one(tmp_path: Path) -> None:
    with running_server(said) as server:
        job = Job(tmp_path, server.base_url, 12)
        assert job.run()[0] == 0
        whole = {row: content(reply) for row, reply in job.replies().items()}
        found: dict[str, Any] = {}
        for shard in ("1", "0"):
            more = ("--shard", shard, "--shards", "2", "--output", f"{shard}.jsonl", "--counts", f"{shard}.json")
            assert job.run(*more)[0] == 0
            found |= {row: content(reply) for row, reply in job.replies(f"{shard}.jsonl").items()}
    assert found == whole


@needs_sandbox
def test_missed_stops_change_no_character(tmp_path: Path) -> None:
    texts = []
    for faults in ((), [Fault("miss_stop")]):
        with running_server(said, faults=faults) as server:
            job = Job(tmp_path / str(len(faults)), server.base_url, 4)
            assert job.run()[0] == 0
        texts.append({row: (reply["text"], reply["steps"]) for row, reply in job.replies().items()})
    assert texts[0] == texts[1]


@needs_sandbox
def test_a_hosted_model_calls_a_tool_for_its_code(tmp_path: Path) -> None:
    called = Reply("", turns=(Turn("Compute.", "print(6 * 7)"), Turn("So \\boxed{42}.")))
    with running_server(lambda request_id: called, keep_requests=True) as server:
        job = Job(tmp_path, server.base_url, 2, {"tags": "tools"}, chat_template=None)
        (tmp_path / "solve.yaml").write_text("tool: Runs Python.\nuser: '{{ problem }}'\n")
        done = job.run()
        assert done[0] == 0, done[1]
        assert {kept.path for kept in server.kept_requests} == {"/v1/chat/completions"}
    for reply in job.replies().values():
        assert reply["text"].startswith("Compute.\n<tool_call>\nprint(6 * 7)\n</tool_call>\n```output\n42\n```\n")
        assert (reply["executions"], reply["ended"]) == (1, "stop")


def test_without_isolation_nothing_is_asked(tmp_path: Path) -> None:
    with running_server(said) as server:
        job = Job(tmp_path, server.base_url)
        job.write_config(job.entry, SITE | {"python": str(tmp_path / "no/python")})
        status, errors = job.run()
        assert (status, server.received) == (2, [])
    assert "sandbox unavailable" in errors


@pytest.mark.parametrize(
    ("model", "code", "told"),
    [
        ({"chat_template": None}, {}, "chat template of the model 'm' is not here"),
        ({"chat_template": "nowhere.jinja"}, {}, "no such chat template"),
        ({}, {"tags": "tools"}, "does not say what the tool does"),
        ({}, {"tag": "tools"}, "`code` needs the keys"),
    ],
)
def test_what_cannot_work_is_an_error_before_the_first_request(
    tmp_path: Path, model: dict[str, Any], code: dict[str, Any], told: str
) -> None:
    with running_server(said) as server:
        status, errors = Job(tmp_path, server.base_url, code=code, **model).run()
        assert (status, server.received) == (2, [])
    assert told in errors


def test_an_endpoint_that_takes_no_text_is_told_of_before_the_first_request(tmp_path: Path) -> None:
    faults = [Fault("status", match="*", status=404)]
    with running_server({"solve/never/solve/0": "x"}, faults=faults, model="other") as server:
        status, errors = Job(tmp_path, server.base_url).run()
        assert (status, server.received) == (2, [])
    assert "does not answer for 'replay'" in errors
