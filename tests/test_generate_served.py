"""The generate command with a server of its own: started, killed in mid-run, started again, gone at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "generate.py"
REPLIES = """\
about: authored for this test, not written by a model
default: The answer is 2.
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    rows = b"".join(orjson.dumps({"id": f"r{n}", "problem": "p"}) + b"\n" for n in range(300))
    (tmp_path / "rows.jsonl").write_bytes(rows)
    (tmp_path / "solve.yaml").write_text("user: '{{ problem }}'\n")
    (tmp_path / "replies").mkdir()
    (tmp_path / "replies/solve.yaml").write_text(REPLIES)
    entry = {"path": "x", "server": "replay", "replies": "replies", "concurrency": 2, "args": ["--latency-s", "0.05"]}
    (tmp_path / "config.yaml").write_bytes(orjson.dumps({"models": {"m": entry}}))
    flags = {"stage": "solve", "rows": "rows.jsonl", "prompt": "solve.yaml", "config": "config.yaml", "model": "m"}
    flags |= {"max-tokens": "100", "output": "out.jsonl", "counts": "counts.json", "log": "job.log"}
    return [sys.executable, str(SCRIPT), *(part for k, v in flags.items() for part in (f"--{k}", v))]


def servers_of(folder: Path) -> list[int]:
    """Process ids of replay servers that were started in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            is_server = entry.name.isdigit() and b"replay_server.py" in (entry / "cmdline").read_bytes()
            if (
                is_server
                and (entry / "cwd").resolve() == folder
                and b"supervise" not in (entry / "cmdline").read_bytes()
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_for_lines(path: Path, more_than: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.read_bytes().count(b"\n") > more_than:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} has no more than {more_than} lines")


def test_a_server_killed_in_mid_run_is_started_again_and_no_row_is_lost(tmp_path: Path, command: list[str]) -> None:
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    wait_for_lines(tmp_path / "out.jsonl.journal", 10)
    (server,) = servers_of(tmp_path)
    os.kill(server, signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()
    ids = [orjson.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert sorted(ids) == sorted(f"r{n}" for n in range(300))
    assert "the server is gone" in (tmp_path / "job.log").read_text()
    assert servers_of(tmp_path) == []


def test_a_killed_job_leaves_no_server_behind(tmp_path: Path, command: list[str]) -> None:
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_for_lines(tmp_path / "out.jsonl.journal", 5)
    assert servers_of(tmp_path)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while servers_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert servers_of(tmp_path) == []


def test_a_job_told_to_stop_stops_its_server_and_goes_on_later(tmp_path: Path, command: list[str]) -> None:
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_for_lines(tmp_path / "out.jsonl.journal", 5)
    process.terminate()
    assert process.wait(timeout=60) == 75
    assert servers_of(tmp_path) == []
    stored = (tmp_path / "out.jsonl.journal").read_bytes()
    assert not (tmp_path / "out.jsonl").exists()
    assert subprocess.run(command, cwd=tmp_path, check=False, timeout=120).returncode == 0
    assert (tmp_path / "out.jsonl").read_bytes().startswith(stored)


def test_a_server_that_cannot_start_is_an_error_with_the_end_of_its_log(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "replies/solve.yaml").write_text("no about\n")
    done = subprocess.run(command, cwd=tmp_path, check=False, timeout=60, capture_output=True, text=True)
    assert done.returncode == 2
    assert "the end of its log" in done.stderr
    assert (tmp_path / "job.server.log").exists()


def test_a_job_of_slurm_notes_whether_its_server_started_on_the_node(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "notes").mkdir()
    of_job = os.environ | {"OMR_NODE_NOTES": str(tmp_path / "notes"), "SLURM_JOB_ID": "17"}

    def noted() -> str:
        subprocess.run(command, cwd=tmp_path, env=of_job, check=False, timeout=120, capture_output=True)
        kind: str = orjson.loads((tmp_path / "notes/17").read_bytes())["kind"]
        return kind

    (tmp_path / "replies/solve.yaml").write_text("no about\n")
    assert noted() == "start"
    (tmp_path / "replies/solve.yaml").write_text(REPLIES)
    config = orjson.loads((tmp_path / "config.yaml").read_bytes())
    config["models"]["m"] |= {"args": [], "concurrency": 64}
    (tmp_path / "config.yaml").write_bytes(orjson.dumps(config))
    assert noted() == "served"
