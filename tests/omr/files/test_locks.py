"""Who holds a lock when flock says so, says nothing, or cannot know."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from omr.files import locks
from omr.files.locks import FileLock


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("CLAIM_S", 0.05), ("UNSURE_AFTER_S", 0.3), ("STALE_AFTER_S", 1.0)):
        monkeypatch.setattr(locks, name, seconds)


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
        raise OSError(errno.ENOLCK, "No locks available")

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


def test_a_released_lock_can_be_had_again_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with FileLock(path):
        assert not acquired(path)
    assert not path.exists()
    assert acquired(path)
    assert list(tmp_path.iterdir()) == []


# ---- an owner that was silent -----------------------------------------------------------------------------------


def held_by(path: Path, host: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> FileLock:
    """A lock that this process has got under the name of a host."""
    with monkeypatch.context() as on_host:
        on_host.setattr(socket, "gethostname", lambda: host)
        lock = FileLock(path, poll_s=0.01, **options)
        lock.acquire()
    return lock


@pytest.mark.usefixtures("_no_flock")
def test_an_owner_that_was_silent_learns_that_another_host_took_over_and_lets_it_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.lock"
    first = held_by(path, "node-a", monkeypatch)
    assert first.is_ours()
    second = held_by(path, "node-b", monkeypatch)  # waits until the first is stale: its next beat is far off
    assert not first.is_ours()
    assert second.is_ours()
    first.release()
    assert not first.is_ours()
    assert second.renew()
    second.release()
    assert not path.exists()


@pytest.mark.usefixtures("_no_flock")
def test_the_heart_of_a_lock_that_was_taken_over_says_so_and_beats_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, said, beats = tmp_path / "x.lock", list[str](), [0]
    lock = held_by(path, "node-a", monkeypatch, say=said.append, on_beat=lambda: beats.append(0), heartbeat_s=0.02)
    path.write_bytes(owner("node-b", 1))
    wait_until(lambda: any("taken over by process 1 on node-b" in line for line in said))
    assert not lock.is_ours()
    taken, changed = len(beats), path.stat().st_mtime_ns
    time.sleep(0.2)
    assert (len(beats), path.stat().st_mtime_ns) == (taken, changed)
    lock.release()
    assert path.read_bytes() == owner("node-b", 1)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_so()


def test_an_owner_that_was_silent_and_is_still_the_owner_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with FileLock(path) as lock:
        time.sleep(2 * locks.UNSURE_AFTER_S)
        os.utime(path, (1, 1))
        assert lock.is_ours()
        assert path.stat().st_mtime > 1


def test_a_lock_that_is_renewed_in_time_is_known_to_be_ours_without_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "UNSURE_AFTER_S", 30.0)
    with FileLock(tmp_path / "x.lock") as lock, monkeypatch.context() as blind:
        blind.setattr(FileLock, "renew", lambda lock: pytest.fail("it looked"))
        assert lock.is_ours()


def test_a_file_system_that_does_not_tell_after_a_silence_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with FileLock(tmp_path / "x.lock") as lock:
        time.sleep(2 * locks.UNSURE_AFTER_S)
        with monkeypatch.context() as broken:
            broken.setattr(os, "utime", fail)
            with pytest.raises(OSError, match="Input/output"):
                lock.is_ours()
        assert lock.is_ours()


# ---- takers -----------------------------------------------------------------------------------------------------


def stale(path: Path) -> None:
    path.write_bytes(owner("node-dead", 1))
    os.utime(path, (1, 1))


def empty(path: Path) -> None:
    """As versions left it that emptied a lock to release it."""
    path.write_bytes(b"")
    os.utime(path, (1, 1))


def absent(path: Path) -> None:
    path.unlink(missing_ok=True)


@pytest.mark.usefixtures("_no_flock")
@pytest.mark.parametrize("left", [stale, empty, absent])
def test_of_takers_that_find_a_lock_free_at_once_only_one_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: Callable[[Path], None]
) -> None:
    """Also where one hangs between its look and its claim, for longer than a claim must stand."""
    monkeypatch.setattr(socket, "gethostname", lambda: threading.current_thread().name)
    write_owner, chance = FileLock._write_owner, random.Random(7)

    def write_late(lock: FileLock) -> None:
        time.sleep(chance.choice((0.0, 0.0, chance.uniform(0.0, 3.0))) * locks.CLAIM_S)
        write_owner(lock)

    monkeypatch.setattr(FileLock, "_write_owner", write_late)
    path, holders, at_once, judging = tmp_path / "x.lock", list[FileLock](), [0], threading.Lock()

    def take() -> None:
        lock = FileLock(path)
        together.wait(30)
        if lock._try():
            with judging:
                holders.append(lock)
                at_once.append(sum(holder.is_ours() for holder in holders))

    for _ in range(12):
        left(path)
        holders.clear()
        together = threading.Barrier(3)
        takers = [threading.Thread(target=take, name=f"node-{number}") for number in range(3)]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join()
        assert len(holders) >= 1
        for holder in holders:
            holder.release()
    assert max(at_once) == 1


@pytest.mark.usefixtures("_no_flock")
def test_a_claim_that_comes_late_waits_until_the_owner_that_it_overwrote_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.lock"
    stale(path)
    write_owner, looked, go_on = FileLock._write_owner, threading.Event(), threading.Event()

    def write_late(lock: FileLock) -> None:
        if lock is late:
            looked.set()
            assert go_on.wait(30)
        write_owner(lock)

    monkeypatch.setattr(FileLock, "_write_owner", write_late)
    with monkeypatch.context() as on_host:
        on_host.setattr(socket, "gethostname", lambda: "node-late")
        late = FileLock(path)
    had = list[bool]()
    taker = threading.Thread(target=lambda: had.append(late._try()))
    taker.start()
    assert looked.wait(30)
    first = held_by(path, "node-a", monkeypatch, heartbeat_s=0.02)
    go_on.set()
    wait_until(lambda: not first.is_ours())
    assert not had
    taker.join()
    assert had == [True]
    assert late.is_ours()
    first.release()
    late.release()


def test_a_waiter_is_not_disturbed_by_an_owner_that_removes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(lock: FileLock) -> bool:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(FileLock, "_granted", gone)
        assert not acquired(tmp_path / "x.lock")
    time.sleep(2 * locks.CLAIM_S)
    assert acquired(tmp_path / "x.lock")
