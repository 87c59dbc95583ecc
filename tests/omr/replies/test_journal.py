"""The reply store under kills, changed requests, second writers and poor file systems."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omr.errors import UserError
from omr.files import locks
from omr.replies.journal import ReplyStore


def reply(number: int, text: str = "t", tokens: int = 5) -> dict[str, Any]:
    identity = {"id": f"r{number}", "prompt": "p", "seed": 0, "key": f"{number:016x}"}
    usage = {"prompt_tokens": 1, "completion_tokens": tokens}
    return identity | {"text": text, "error": None, "finish_reason": "stop", "latency_s": 0.25, "usage": usage}


def failure(number: int) -> dict[str, Any]:
    return reply(number) | {"text": None, "error": {"kind": "timeout", "status": None, "message": "m"}}


def stored(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_output_shares_the_journals_bytes_on_disk(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    with ReplyStore(output) as store:
        for number in range(3):
            store.append(reply(number))
        assert not output.exists()
        store.publish(range(3))
    assert output.samefile(tmp_path / "x.jsonl.journal")
    assert [row["id"] for row in stored(output)] == ["r0", "r1", "r2"]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """To be called: from then on the disk takes nothing any more."""

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    return lambda: monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.parametrize("publishes", [True, False])
def test_a_disk_that_does_not_keep_the_last_replies_is_an_error_and_the_lock_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_disk: Callable[[], None], publishes: bool
) -> None:
    def work() -> None:
        with ReplyStore(tmp_path / "x") as store:
            store.append(reply(0))
            full_disk()
            if publishes:
                store.publish([0])

    with pytest.raises(UserError, match="replies cannot be stored: No space left"):
        work()
    monkeypatch.undo()
    assert not (tmp_path / "x").exists()
    with ReplyStore(tmp_path / "x") as store:
        assert len(store) == 1


def test_what_a_sync_in_another_thread_met_is_raised_by_the_next_call_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def work() -> None:
        with ReplyStore(tmp_path / "x") as store:
            store.append(reply(0))
            monkeypatch.setattr(os, "fdatasync", refuse)
            thread = threading.Thread(target=quietly, args=(store.sync,))
            thread.start()
            thread.join()
            monkeypatch.undo()  # the disk says so only once
            store.publish([0])

    with pytest.raises(UserError, match="replies cannot be stored: Input/output error"):
        work()
    assert not (tmp_path / "x").exists()


def quietly(function: Callable[[], None]) -> None:
    with contextlib.suppress(UserError):
        function()


def test_the_store_is_closed_only_when_a_sync_in_another_thread_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, synced = threading.Event(), threading.Event(), []

    def slow(descriptor: int) -> None:
        began.set()
        go_on.wait(20)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", slow)
    with ReplyStore(tmp_path / "x") as store:
        store.append(reply(0))
        thread = threading.Thread(target=store.sync)
        thread.start()
        assert began.wait(20)
        threading.Timer(0.2, go_on.set).start()
    assert synced == [os.path.getsize(tmp_path / "x.journal")]
    thread.join()
    store.sync()  # too late, and nothing to do any more
    assert len(synced) == 1


def test_usage_is_that_of_all_stored_replies_whoever_stored_them(tmp_path: Path) -> None:
    with ReplyStore(tmp_path / "x") as store:
        store.append(reply(0, tokens=7))
    with (tmp_path / "x.journal").open("ab") as journal:
        journal.write(b'{"id":"r1","prompt":"p","se')  # killed
    with ReplyStore(tmp_path / "x") as store:
        store.append(reply(1, tokens=11) | {"finish_reason": "length"})
        store.append(reply(2) | {"usage": None})
        store.publish([0, 1, 2, 3], [failure(3)])
        in_one_go = store.usage.as_json()
    with ReplyStore(tmp_path / "x") as store:
        store.publish([0, 1, 2, 3])
        assert store.usage.as_json() == in_one_go
    assert in_one_go == {
        "requests": 4,
        "answered": 3,
        "failed": {"timeout": 1},
        "finish_reasons": {"length": 1, "stop": 2},
        "prompt_tokens": 2,
        "completion_tokens": 18,
        "without_usage": 1,
        "latency_s": 0.75,
    }


def test_usage_leaves_out_replies_that_nobody_asks_for_any_more(tmp_path: Path) -> None:
    with ReplyStore(tmp_path / "x") as store:
        for number in range(4):
            store.append(reply(number, tokens=10**number))
        store.publish([1, 3])
        assert store.usage.as_json()["completion_tokens"] == 1010
        assert store.usage.as_json()["requests"] == 2


def test_what_ended_the_work_is_raised_and_not_the_disk_that_failed_after_it(
    tmp_path: Path, full_disk: Callable[[], None]
) -> None:
    said: list[str] = []

    def work() -> None:
        with ReplyStore(tmp_path / "x", said.append):
            full_disk()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert any("replies cannot be stored" in line for line in said)


def test_a_deleted_output_is_made_again_from_the_journal(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    with ReplyStore(output) as store:
        store.append(reply(1))
        store.publish([1])
    before = output.read_bytes()
    output.unlink()
    with ReplyStore(output) as store:
        assert reply(1)["key"] in store
        store.publish([1])
    assert output.read_bytes() == before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(min_value=0, max_value=200), rows=st.integers(min_value=1, max_value=4))
def test_a_torn_last_line_is_cut_off_and_whole_lines_are_kept(tmp_path: Path, cut: int, rows: int) -> None:
    output = tmp_path / "x.jsonl"
    journal = tmp_path / "x.jsonl.journal"
    lines = [orjson.dumps(reply(number)) + b"\n" for number in range(rows)]
    whole = b"".join(lines)
    kept = whole[: len(whole) - min(cut, len(lines[-1]))]
    journal.write_bytes(kept)
    expected = rows if cut == 0 else rows - 1
    with ReplyStore(output) as store:
        assert len(store) == expected
        for number in range(expected, rows):
            store.append(reply(number))
        store.publish(range(rows))
    assert output.read_bytes() == whole


@pytest.mark.parametrize("name", ["x.jsonl", "[x]*?.jsonl"])
def test_the_next_holder_removes_what_a_killed_one_left_and_nothing_of_others(tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    with ReplyStore(output) as store:
        left = [store.scratch(kind) for kind in ("batch-output", "journal")]
    others = [f".{name}.progress.vm.7.tmp", f".a{name}.scratch-journal.tmp", f".{name}.scratch-journal", ".x.tmp"]
    for path in [*left, *(tmp_path / other for other in others)]:
        path.write_bytes(b"half a li")
    with ReplyStore(output) as store:
        assert not [path for path in left if path.exists()]
        store.append(reply(1))
        store.publish([1])
    assert all((tmp_path / other).exists() for other in others)
    assert [row["id"] for row in stored(output)] == ["r1"]


def test_junk_between_good_lines_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    journal = tmp_path / "x.jsonl.journal"
    journal.write_bytes(orjson.dumps(reply(0)) + b"\n{broken\n" + orjson.dumps(reply(1)) + b"\n")
    with pytest.raises(UserError) as caught, ReplyStore(tmp_path / "x.jsonl"):
        pass
    assert caught.value.line == 2
    assert str(journal) in str(caught.value)


def test_replies_to_other_requests_are_left_out_of_the_output(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    with ReplyStore(output) as store:
        store.append(reply(1, "old prompt"))
        store.publish([1])
    with ReplyStore(output) as store:
        store.append(reply(2, "new prompt"))
        store.publish([2])
    assert [row["text"] for row in stored(output)] == ["new prompt"]
    assert output.samefile(tmp_path / "x.jsonl.journal")


def test_tokens_of_replies_that_nobody_asks_for_any_more_stay_spent(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    for first in (0, 10, 20):
        with ReplyStore(output) as store:
            for number in range(first, first + 3):
                store.append(reply(number, tokens=5))
            store.publish(range(first, first + 3))
            assert store.usage.tokens()["completion_tokens"] == 15
            assert store.held.superseded["completion_tokens"] == 15 * first // 10
            assert store.held.superseded["prompt_tokens"] == 3 * first // 10
    with ReplyStore(output) as store:
        assert store.held.superseded["completion_tokens"] == 30


def test_a_changed_journal_never_changes_a_published_output(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    with ReplyStore(output) as store:
        store.append(reply(1))
        store.publish([1])
    reader = output.open("rb")
    with ReplyStore(output) as store:
        store.append(reply(2))
        assert not output.exists()  # incomplete: nobody may take it for the output
    reader.close()


def test_publishing_without_all_replies_is_refused(tmp_path: Path) -> None:
    with ReplyStore(tmp_path / "x.jsonl") as store:
        store.append(reply(1))
        with pytest.raises(ValueError, match="1 requests have no reply"):
            store.publish([1, 2])
    assert not (tmp_path / "x.jsonl").exists()


def test_failed_requests_appear_only_with_the_output(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    failure = reply(2) | {"error": {"kind": "connection", "status": None, "message": ""}, "text": None}
    with ReplyStore(output) as store:
        store.append(reply(1))
        store.publish([1, 2], [failure])
    assert [row["error"] is None for row in stored(output)] == [True, False]


def test_the_published_output_is_newer_than_replies_from_an_old_journal(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    with ReplyStore(output) as store:
        store.append(reply(1))
    os.utime(tmp_path / "x.jsonl.journal", (1, 1))
    with ReplyStore(output) as store:
        store.publish([1])
    assert output.stat().st_mtime > 1_000_000


def test_without_hard_links_the_output_is_a_copy_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*args: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    said: list[str] = []
    output = tmp_path / "x.jsonl"
    with ReplyStore(output, said.append) as store:
        store.append(reply(1))
        store.publish([1])
    assert output.read_bytes() == (tmp_path / "x.jsonl.journal").read_bytes()
    assert any("no hard links" in line for line in said)


def _hold(path: Path, seconds: float, ready: Any) -> None:
    with ReplyStore(path) as store:
        ready.set()
        time.sleep(seconds)
        store.append(reply(1))
        store.publish([1])


def test_a_second_writer_waits_and_finds_everything_done(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    first = context.Process(target=_hold, args=(output, 1.0, ready))
    first.start()
    assert ready.wait(20)
    said: list[str] = []
    with ReplyStore(output, said.append) as store:
        assert reply(1)["key"] in store
        store.publish([1])
    first.join()
    assert first.exitcode == 0
    assert "waiting for the lock" in said[0]
    assert f"process {first.pid}" in said[0]
    assert len(stored(output)) == 1


@pytest.fixture
def _no_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without flock, on which a job is taken for dead within a second."""

    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    for name, seconds in (("CLAIM_S", 0.05), ("UNSURE_AFTER_S", 0.3), ("STALE_AFTER_S", 1.0)):
        monkeypatch.setattr(locks, name, seconds)


def store_on(host: str, output: Path, monkeypatch: pytest.MonkeyPatch) -> ReplyStore:
    with monkeypatch.context() as on_host:
        on_host.setattr(socket, "gethostname", lambda: host)
        return ReplyStore(output)


@pytest.mark.usefixtures("_no_flock")
@pytest.mark.parametrize(
    "goes_on",
    [
        lambda store: store.append(reply(8)),
        lambda store: store.sync(),
        lambda store: store.publish([0]),
        lambda store: store.publish([0, 8], [failure(8)]),
    ],
)
def test_a_job_that_was_silent_while_another_took_over_is_told_so_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes_on: Callable[[ReplyStore], None]
) -> None:
    output = tmp_path / "x.jsonl"
    silent, other = (store_on(host, output, monkeypatch) for host in ("node-a", "node-b"))

    def be_silent_and_go_on() -> None:
        with silent:
            silent.append(reply(0))
            with other:  # waits until the first one, whose next beat is far off, is taken for dead
                assert reply(0)["key"] in other
                other.append(reply(1))
                held = (tmp_path / "x.jsonl.held").write_bytes(b"the other's")
                try:
                    goes_on(silent)
                finally:
                    other.append(reply(2))
                    other.publish([0, 1, 2])
                    assert (tmp_path / "x.jsonl.held").stat().st_size == held

    with pytest.raises(UserError, match="another job took over this output while this one was silent") as told:
        be_silent_and_go_on()
    assert "finished replies are kept" in str(told.value)
    assert [row["id"] for row in stored(output)] == ["r0", "r1", "r2"]
    assert output.samefile(tmp_path / "x.jsonl.journal")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.jsonl", "x.jsonl.held", "x.jsonl.journal"]


@pytest.mark.usefixtures("_no_flock")
@pytest.mark.parametrize("more", [1, 2])
def test_a_job_that_was_silent_while_it_read_its_journal_cuts_off_nothing_of_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    output = tmp_path / "x.jsonl"
    whole = b"".join(orjson.dumps(reply(number)) + b"\n" for number in range(2))
    (tmp_path / "x.jsonl.journal").write_bytes(whole + b'{"torn')
    other = store_on("node-b", output, monkeypatch)

    def take_over(stored: Any) -> None:
        if stored["id"] == "r1":
            with other:
                for number in range(2, 2 + more):
                    other.append(reply(number))

    silent = store_on("node-a", output, monkeypatch)
    silent._on_stored = take_over
    with pytest.raises(UserError, match="another job took over"), silent:
        pass
    assert [row["id"] for row in stored(tmp_path / "x.jsonl.journal")] == [f"r{n}" for n in range(2 + more)]


@pytest.mark.usefixtures("_no_flock")
def test_a_job_that_was_silent_and_still_has_the_output_goes_on(tmp_path: Path) -> None:
    with ReplyStore(tmp_path / "x") as store:
        for number in range(2):
            time.sleep(2 * locks.UNSURE_AFTER_S)
            store.append(reply(number))
            store.sync()
        store.publish([0, 1])
    assert len(stored(tmp_path / "x")) == 2


def test_an_append_looks_at_the_lock_only_after_a_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ReplyStore(tmp_path / "x") as store, monkeypatch.context() as blind:
        blind.setattr(locks.FileLock, "renew", lambda lock: pytest.fail("it looked"))
        store.append(reply(0))
        store.sync()


@pytest.mark.usefixtures("_no_flock")
def test_a_silence_after_which_the_file_system_does_not_tell_is_an_error_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(locks, "UNSURE_AFTER_S", 0.0)
    with ReplyStore(tmp_path / "x") as store, monkeypatch.context() as broken:
        broken.setattr(os, "utime", fail)
        with pytest.raises(UserError, match="replies cannot be stored: Input/output error"):
            store.append(reply(0))
