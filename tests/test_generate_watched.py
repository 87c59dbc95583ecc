"""The generate command while it works: what it says of itself, and how it heeds the run's budget."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import orjson
import pytest
from omr.asking.budget import Budget
from omr.replay.launch import running_server
from omr.replies.progress_file import JobProgress, read_progress
from test_generate import Job, stored_requests, wait_for_replies


def told(job: Job) -> JobProgress:
    found = read_progress(job.folder / "replies.jsonl.progress")
    assert found is not None
    return found


def wait_for(job: Job, process: subprocess.Popen[bytes], answered: int) -> JobProgress:
    """What the job says once this try of it has so many replies."""
    path = job.folder / "replies.jsonl.progress"
    for _ in range(3000):
        found = read_progress(path) if path.exists() else None
        if found is not None and found.pid == process.pid and found.answered >= answered:
            return found
        time.sleep(0.01)
    raise AssertionError("it says nothing of it")


def test_a_job_says_how_far_it_is_and_when_it_is_done_only_its_counts_do(tmp_path: Path) -> None:
    with running_server(8, latency_s=0.1) as server:
        job = Job(tmp_path, server.base_url, 60, concurrency=2)
        process = job.start()
        found = wait_for(job, process, answered=4)
        assert process.wait(timeout=60) == 0
    assert (found.phase, found.model, found.total, found.stored) == ("asking", "m", 60, 0)
    assert found.recent_answered == found.answered
    assert found.completion_tokens == found.recent_tokens > 0
    assert not (tmp_path / "replies.jsonl.progress").exists()


def test_a_killed_job_leaves_its_word_and_the_next_one_counts_what_is_stored(tmp_path: Path) -> None:
    with running_server(8, latency_s=0.1) as server:
        job = Job(tmp_path, server.base_url, 100, concurrency=2)
        for tries in (1, 2):
            process = job.start()
            found = wait_for(job, process, answered=4)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            assert (told(job).tries, told(job).pid) == (tries, process.pid)
        assert found.stored >= 4
        assert found.done == found.stored + found.answered
        assert found.completion_tokens > found.recent_tokens


def test_a_job_that_is_told_to_stop_says_so(tmp_path: Path) -> None:
    with running_server(8, latency_s=0.1) as server:
        job = Job(tmp_path, server.base_url, 200, concurrency=2)
        process = job.start()
        wait_for(job, process, answered=2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 75
    assert told(job).phase == "stopped"


def with_budget(job: Job, bound: float | None) -> Budget:
    """The job belongs to the run `r`, whose budget is so many USD."""
    path = job.folder / "config.yaml"
    config = orjson.loads(path.read_bytes()) | {"run": "r", "budget": {"usd": bound, "gpu_hours": None}}
    path.write_bytes(orjson.dumps(config))
    return Budget(config)


def test_no_job_begins_when_the_budget_is_used_up_and_a_larger_one_lets_it_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with running_server(8) as server:
        job = Job(tmp_path, server.base_url)
        with_budget(job, 5.0).close("the budget of 5 USD is used up")
        status, said = job.run()
        assert status == 2
        assert "error: the budget of 5 USD is used up" in said
        assert "every stored reply" in said
        assert server.counts == {}
        assert told(job).phase == "failed"
        with_budget(job, 6.0)
        assert job.run()[0] == 0


def test_a_job_at_work_ends_when_the_budget_is_used_up_and_keeps_its_replies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with running_server(8, latency_s=0.05) as server:
        job = Job(tmp_path, server.base_url, 2000, concurrency=2)
        budget = with_budget(job, 5.0)
        process = job.start()
        wait_for_replies(tmp_path / "replies.jsonl.journal", more_than=5)
        budget.close("the budget of 5 USD is used up")
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 75
        assert "the budget of 5 USD is used up: this job ends" in errors.decode()
        assert len(stored_requests(tmp_path / "replies.jsonl.journal")) > 5
        assert (told(job).phase, told(job).note) == ("stopped", "the budget of 5 USD is used up")
        asked = sum(server.counts.values())
        assert job.run()[0] == 2  # the retry of its scheduler
        assert sum(server.counts.values()) == asked


def test_a_finished_shard_is_made_again_whatever_is_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with running_server(8) as server:
        job = Job(tmp_path, server.base_url)
        assert job.run()[0] == 0
    with_budget(job, 5.0).close("the budget of 5 USD is used up")
    job.output.unlink()
    assert job.run()[0] == 0
