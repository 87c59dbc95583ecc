"""No process of a server survives its job, however the job ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from omr.servers import supervise
from server_lab import PATIENCE_S, Lab, ready_job


def first_processes(lab: Lab) -> tuple[int, int]:
    """The supervisor and the server's first process."""
    (process,) = lab.processes()
    parent = int(Path(f"/proc/{process['pid']}/stat").read_text().rpartition(")")[2].split()[1])
    return parent, process["pid"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_job_takes_its_server_and_all_that_it_forked_along(lab: Lab, number: signal.Signals) -> None:
    with ready_job(lab, "family,ignore-term") as job:
        assert len(lab.family()) == 4
        job.send_signal(number)
        job.wait(PATIENCE_S)
        assert lab.wait_until_gone() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_supervisor_that_is_told_to_end_ends_the_server_first(lab: Lab, number: signal.Signals) -> None:
    with ready_job(lab, "family"):
        os.kill(first_processes(lab)[0], number)
        assert lab.wait_until_gone() == []


def test_a_killed_supervisor_takes_the_servers_first_process_along(lab: Lab) -> None:
    with ready_job(lab, "") as job:
        os.kill(first_processes(lab)[0], signal.SIGKILL)
        assert lab.wait_until_gone() == []
        assert job.poll() is None


def supervised(program: str, *, kill_job: bool = False) -> int:
    """The exit status of a supervisor whose server is this Python program."""
    command = [sys.executable, "-I", "-S", supervise.__file__, "--grace-s", "5", "--", sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as job:
        assert job.stdin is not None
        assert job.stdout is not None
        if kill_job:
            job.stdout.readline()
            job.stdin.close()
        return job.wait(PATIENCE_S)


@pytest.mark.parametrize(
    ("program", "status"),
    [("raise SystemExit(3)", 3), ("", 1), ("import os; os.kill(os.getpid(), 9)", 128 + signal.SIGKILL)],
)
def test_a_server_that_ends_unasked_has_failed(program: str, status: int) -> None:
    assert supervised(program) == status


def test_a_server_that_ends_well_when_asked_has_not_failed() -> None:
    handler = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(0)); print(1, flush=True); time.sleep(99)"
    )
    assert supervised(handler, kill_job=True) == 0
