"""Waiting behind another job in the queue, with stand-ins for Slurm's commands."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from omr.asking.twin_jobs import PostponedError, Queueing
from omr.models.model import ModelSpec
from server_lab import write_script

GPUS = ModelSpec("m", "p", "vllm", gpus=8)
OWNER = {"host": "n1", "pid": "1", "started": "1", "job": "17"}
REQUEUED = ["squeue --noheader --jobs=17 --format=%T", "scontrol requeue 18"]
UPDATE = "scontrol update JobId=18 Dependency=afterany:17"
#: Notes how it is called; answers with the first line of a file beside it, which it removes, or fails if that is `fail`.
COMMAND = """#!/bin/sh
echo "{name} $*" >> {folder}/calls
answer=$(head -n 1 {folder}/{name}.answers 2>/dev/null)
sed -i 1d {folder}/{name}.answers 2>/dev/null
[ "$answer" != fail ] || {{ echo "{name}: refused" >&2; exit 1; }}
echo "$answer"
"""


class Slurm:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("squeue", "scontrol"):
            write_script(folder / "bin" / name, COMMAND.format(name=name, folder=folder))

    def answers(self, command: str, *lines: str) -> None:
        (self.folder / f"{command}.answers").write_text("".join(f"{line}\n" for line in lines))

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """This process is in the Slurm job 18; the other job, 17, runs."""
    lab = Slurm(tmp_path)
    lab.answers("squeue", "RUNNING", "RUNNING")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "18")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    before = signal.getsignal(signal.SIGTERM)
    yield lab
    signal.signal(signal.SIGTERM, before)


def test_behind_a_running_job_this_one_gives_its_gpus_back_and_is_started_after_it(slurm: Slurm) -> None:
    with pytest.raises(PostponedError, match="Slurm job 17 is at work on this"):
        Queueing(GPUS, print)(OWNER, 60)
    assert slurm.calls == [*REQUEUED, UPDATE]


@pytest.mark.parametrize("state", ["SUSPENDED", "STOPPED", "SIGNALING"])
def test_a_job_that_was_made_to_pause_is_not_waited_for_on_gpus(slurm: Slurm, state: str) -> None:
    slurm.answers("squeue", state)
    with pytest.raises(PostponedError):
        Queueing(GPUS, print)(OWNER, 60)


def test_the_order_in_the_queue_is_asked_for_until_slurm_takes_it(slurm: Slurm) -> None:
    slurm.answers("scontrol", "", "fail", "fail", "")
    with pytest.raises(PostponedError):
        Queueing(GPUS, print)(OWNER, 60)
    assert slurm.calls == [*REQUEUED, UPDATE, UPDATE, UPDATE]


def test_a_job_that_slurm_requeues_but_does_not_put_behind_the_other_says_so(slurm: Slurm) -> None:
    slurm.answers("scontrol", "", *["fail"] * 30)
    with pytest.raises(PostponedError, match=r"in a few minutes, and looks again.*scontrol: refused"):
        Queueing(GPUS, print)(OWNER, 60)


@pytest.mark.parametrize("owner", [{}, OWNER | {"job": ""}, OWNER | {"job": "18"}])
def test_behind_nobody_and_behind_itself_a_job_waits_where_it_is(slurm: Slurm, owner: dict[str, str]) -> None:
    Queueing(GPUS, print)(owner, 1000)
    assert slurm.calls == []


def test_a_job_that_holds_no_gpus_waits_where_it_is(slurm: Slurm) -> None:
    Queueing(ModelSpec("m", "p", "endpoint", base_url="http://h/v1"), print)(OWNER, 1000)
    assert slurm.calls == []


def test_outside_slurm_nobody_is_asked(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID")
    Queueing(GPUS, print)(OWNER, 1000)
    assert slurm.calls == []


@pytest.mark.parametrize("state", ["", "COMPLETING", "fail"])
def test_behind_a_job_that_has_ended_a_job_waits_where_it_is(slurm: Slurm, state: str) -> None:
    slurm.answers("squeue", state)
    Queueing(GPUS, print)(OWNER, 60)
    assert slurm.calls == REQUEUED[:1]


def test_a_slurm_that_does_not_requeue_is_told_and_asked_again_only_after_a_while(slurm: Slurm) -> None:
    slurm.answers("scontrol", "fail", "fail")
    said: list[str] = []
    queueing, before = Queueing(GPUS, said.append), signal.getsignal(signal.SIGTERM)
    for waited_s in (59, 60, 61, 119, 120):
        queueing(OWNER, waited_s)
    assert slurm.calls == [*REQUEUED, *REQUEUED]
    assert signal.getsignal(signal.SIGTERM) == before
    assert "this job waits here" in said[0]
    assert "scontrol: refused" in said[0]
