"""Who holds a lock when flock says so, says nothing, or cannot know."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from pathlib import Path

import orjson
import pytest
from omr.files import locks
from omr.files.locks import FileLock


def owner(host: str, pid: int, started: str = "") -> bytes:
    return orjson.dumps({"host": host, "pid": str(pid), "started": started, "job": "17"})


def acquired(path: Path) -> bool:
    """Whether the lock can be had at once."""
    lock = FileLock(path)
    had = lock._try()
    lock.release()
    return had


def test_a_lock_that_another_host_renewed_lately_is_held_although_flock_is_granted(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_bytes(owner("another-node", 1))
    assert not acquired(path)


def test_a_lock_that_another_host_has_not_renewed_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_bytes(owner("another-node", 1))
    old = time.time() - 2 * locks.STALE_AFTER_S
    os.utime(path, (old, old))
    assert acquired(path)


def test_the_waiting_line_names_the_owners_host_and_job(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_bytes(owner("another-node", 1))
    said: list[str] = []

    def stop_waiting(line: str) -> None:
        said.append(line)
        path.write_bytes(b"")

    with FileLock(path, stop_waiting, poll_s=0.01):
        pass
    assert "another-node" in said[0]
    assert "Slurm job 17" in said[0]


@pytest.fixture
def _no_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("_no_flock")
def test_without_flock_a_running_owner_on_this_host_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    parent = os.getppid()
    path.write_bytes(owner(socket.gethostname(), parent, locks.process_start(parent)))
    assert not acquired(path)


@pytest.mark.usefixtures("_no_flock")
def test_without_flock_a_reused_process_id_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_bytes(owner(socket.gethostname(), os.getppid(), "12345"))
    assert acquired(path)


def test_a_held_lock_is_renewed_while_its_holder_is_busy_with_something_else(tmp_path: Path) -> None:
    path, beats = tmp_path / "x.lock", [0]
    with FileLock(path, on_beat=lambda: beats.append(0), heartbeat_s=0.02):
        os.utime(path, (1, 1))
        deadline = time.monotonic() + 30
        while (path.stat().st_mtime < 2 or len(beats) < 3) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 2
        assert len(beats) >= 3
    told = len(beats)
    time.sleep(0.1)
    assert len(beats) == told


def test_a_beat_that_fails_and_cannot_be_told_is_not_the_last(tmp_path: Path) -> None:
    beats = [0]

    def full_disk(*args: object) -> None:
        beats.append(0)
        raise OSError(errno.ENOSPC, "No space left on device")

    with FileLock(tmp_path / "x.lock", full_disk, full_disk, heartbeat_s=0.01):
        deadline = time.monotonic() + 30
        while len(beats) < 10 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(beats) >= 10


def test_a_released_lock_can_be_had_again(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with FileLock(path):
        assert not acquired(path)
    assert acquired(path)
