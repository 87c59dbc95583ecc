"""Whether a job is at work is told by its process, by Slurm, or by how long it has been silent on one clock."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from live_runs import ELSEWHERE, GONE, HERE
from omr.live.signs import SILENT_AFTER_S, AskedQueue, Queue, Signs
from omr.replies.progress_file import JobProgress


def owner(known: dict[str, object], job: str = "") -> JobProgress:
    return JobProgress(**(known | {"job": job}))  # type: ignore[arg-type]


def test_on_this_machine_the_process_decides_however_old_its_word_is() -> None:
    signs = Signs()
    assert signs.state(owner(HERE), signs.now - 99_999) == "running"
    assert signs.state(owner(GONE), signs.now) == "gone"
    assert signs.state(owner(HERE | {"started": "1"}), signs.now) == "gone"  # the number is another process's now


def test_slurm_decides_where_it_answers() -> None:
    signs = Signs(Queue(True, {"1": "RUNNING", "2": "PENDING"}))
    states = [signs.state(owner(ELSEWHERE, job), 0.0) for job in ("1", "2", "3")]
    assert states == ["running", "gone", "gone"]
    assert Signs(Queue(fault="away")).state(owner(ELSEWHERE, "1"), 0.0) == "silent"


def test_elsewhere_a_long_silence_is_told_as_one() -> None:
    signs = Signs()
    assert signs.state(owner(ELSEWHERE), signs.now - SILENT_AFTER_S + 5) == "running"
    assert signs.state(owner(ELSEWHERE), signs.now - SILENT_AFTER_S - 5) == "silent"


@pytest.mark.parametrize("wrong_s", [-7200.0, 7200.0])
def test_a_clock_that_is_hours_off_makes_no_job_silent_and_hides_none(wrong_s: float) -> None:
    server = time.time() + wrong_s  # the file server's clock
    signs = Signs()
    signs.learn(str(HERE["host"]), signs.now - 3, server - 3)
    assert signs.state(owner(ELSEWHERE), server - 5) == "running"
    assert signs.state(owner(ELSEWHERE), server - SILENT_AFTER_S - 5) == "silent"


def test_a_file_server_that_is_ahead_is_seen_without_a_file_of_ours() -> None:
    signs = Signs()
    for age in (5, SILENT_AFTER_S + 60):
        signs.learn("node-1", signs.now, signs.now + 7200 - age)
    assert signs.state(owner(ELSEWHERE), signs.now + 7200 - SILENT_AFTER_S - 60) == "silent"
    assert signs.state(owner(ELSEWHERE), signs.now + 7200 - 5) == "running"


def put_squeue(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = folder / "squeue"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_queue_is_read_by_number_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_squeue(
        tmp_path,
        monkeypatch,
        "printf '1|RUNNING|None|a\\n2|PENDING|Priority|a\\n\\377|x\\n3|PENDING|JobHeldUser|a\\n'; echo $2 >&2",
    )
    asked = AskedQueue()
    asked.start(os.getuid())
    queue = asked.read()
    assert queue.answered
    assert queue.states["2"] == "PENDING"
    assert queue.by_name["a"] == {"RUNNING": 1, "PENDING": 2}
    assert queue.waiting["a"] == [("2", "Priority"), ("3", "JobHeldUser")]


def test_a_queue_that_is_away_or_not_there_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_squeue(tmp_path, monkeypatch, "exit 1")
    asked = AskedQueue()
    asked.start(os.getuid())
    assert asked.read() == Queue(fault="squeue does not answer")
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    asked = AskedQueue()
    asked.start(os.getuid())
    assert asked.read() == Queue()
