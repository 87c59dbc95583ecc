"""Stopping in time before a job's end, with a stand-in for squeue."""

from __future__ import annotations

import asyncio
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from omr.asking.time_limit import seconds_left, watched_time_limit
from omr.errors import UserError
from omr.models.model import ModelSpec

#: Longer than anything here takes on a busy machine; reaching it fails the test.
PATIENCE_S = 30.0
QUESTION = "--noheader --jobs=17 --format=%L"
SQUEUE = """#!/bin/sh
echo "$@" >> {calls}
answer=$(sed -n "$(wc -l < {calls})p" {answers})
case "$answer" in
    fail) echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1;;
    hang) exec sleep 3600;;
esac
echo "$answer"
"""


@dataclass
class Slurm:
    """What squeue answers, question by question, and what came of it."""

    folder: Path
    said: list[str] = field(default_factory=list)
    stopped: bool = False

    def answers(self, *answers: str) -> None:
        (self.folder / "answers").write_text("\n".join(answers) + "\n")

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def stop(self) -> None:
        self.stopped = True

    async def work(self, until_calls: int, nodes: int = 2, warning_s: float = 60.0, ask_every_s: float = 600.0) -> None:
        """A job that ends when it is stopped, or by itself after so many questions to Slurm have been answered."""
        spec = ModelSpec(name="m", path="p", server="vllm", nodes=nodes)
        watch = watched_time_limit(spec, self.stop, self.said.append, warning_s=warning_s, ask_every_s=ask_every_s)
        deadline = time.monotonic() + PATIENCE_S
        async with watch:
            while not self.stopped and len(self.calls) < until_calls:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """This process is Slurm's job 17, and a stand-in for squeue is on its path."""
    squeue = tmp_path / "bin/squeue"
    squeue.parent.mkdir()
    squeue.write_text(SQUEUE.format(calls=tmp_path / "calls", answers=tmp_path / "answers"))
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{squeue.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    return Slurm(tmp_path)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:00", 0), ("3:04", 184), ("2:03:04", 7384), ("1-02:03:04", 93784), ("UNLIMITED", math.inf)],
)
def test_time_left_is_read_as_squeue_prints_it(text: str, seconds: float) -> None:
    assert seconds_left(text) == seconds


@pytest.mark.parametrize("text", ["NOT_SET", "INVALID", "", "17", "1-02:03", "3:04\n3:04"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="does not say when the job ends"):
        seconds_left(text)


def test_a_job_is_stopped_a_minute_before_its_end_and_not_before_it_has_asked_again(slurm: Slurm) -> None:
    slurm.answers("1:01", "1:00")
    began = time.monotonic()
    asyncio.run(slurm.work(until_calls=3))
    assert slurm.stopped
    assert 1.0 <= time.monotonic() - began < 10
    assert slurm.calls == [QUESTION] * 2
    assert slurm.said == ["Slurm ends job 17 in 60 s"]


def test_a_limit_that_was_raised_in_the_meantime_is_heeded(slurm: Slurm) -> None:
    slurm.answers("1:01", "1:00:00")
    asyncio.run(slurm.work(until_calls=2))
    assert not slurm.stopped
    assert slurm.said == []


def test_a_limit_that_was_lowered_in_the_meantime_is_noticed(slurm: Slurm) -> None:
    slurm.answers("UNLIMITED", "2-00:00:00", "0:59")
    asyncio.run(slurm.work(until_calls=4, ask_every_s=0.05))
    assert slurm.stopped
    assert len(slurm.calls) == 3


def test_a_slurm_that_does_not_answer_is_a_line_in_the_log_and_asked_again(slurm: Slurm) -> None:
    slurm.answers("fail", "INVALID", "0:30")
    asyncio.run(slurm.work(until_calls=4, ask_every_s=0.05))
    assert slurm.stopped
    assert slurm.said == [
        f"warning: `squeue {QUESTION}` fails: slurm_load_jobs error: Unable to contact slurm controller",
        "warning: squeue does not say when the job ends: 'INVALID'",
        "Slurm ends job 17 in 30 s",
    ]


def test_what_slurm_said_before_holds_when_it_is_silent_at_the_end(slurm: Slurm) -> None:
    slurm.answers("1:01", "fail")
    asyncio.run(slurm.work(until_calls=3))
    assert slurm.stopped
    assert len(slurm.said) == 2


def test_a_missing_squeue_is_a_line_in_the_log(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(slurm.folder))
    asyncio.run(slurm.work(until_calls=0))
    assert not slurm.stopped
    assert len(slurm.said) == 1
    assert "No such file or directory: 'squeue'" in slurm.said[0]


def test_a_hanging_squeue_is_given_up(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omr.asking.time_limit._ANSWER_WITHIN_S", 0.5)
    slurm.answers("hang", "0:30")
    asyncio.run(slurm.work(until_calls=3, ask_every_s=0.05))
    assert slurm.stopped
    assert "timed out after 0.5 seconds" in slurm.said[0]


def test_slurm_is_not_asked_for_one_node_which_it_warns_itself(slurm: Slurm) -> None:
    asyncio.run(slurm.work(until_calls=0, nodes=1))
    assert slurm.calls == []


def test_slurm_is_not_asked_outside_its_jobs(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID")
    asyncio.run(slurm.work(until_calls=0))
    assert slurm.calls == []
