"""How long jobs held their machines, also those that were killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from omr.replies import held_time
from omr.replies.held_time import HeldTime
from omr.servers.full_load import FullLoad


def test_the_times_of_all_tries_add_up(tmp_path: Path) -> None:
    first = HeldTime(tmp_path / "held")
    first.write()
    (tmp_path / "held").write_text('{"held_s": 100.5}')
    second = HeldTime(tmp_path / "held")
    second.read()
    second.write()
    third = HeldTime(tmp_path / "held")
    third.read()
    assert 100.5 < second.seconds < 160
    assert 100.5 < third.seconds < 160


@pytest.mark.parametrize(
    "content",
    [
        *(None, b"", b"{", b"[]", b'{"held": 1}', b'{"held_s": "long"}', b'{"held_s": null}'),
        *(b'{"held_s": 0, "superseded": 3}', b'{"held_s": 0, "superseded": {"held_s": "x"}}'),
    ],
)
def test_without_a_readable_file_there_were_no_earlier_tries(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "held").write_bytes(content)
    held = HeldTime(tmp_path / "held")
    held.read()
    assert 0 <= held.seconds < 60
    assert not +held.superseded


def test_what_servers_did_adds_up_over_all_tries(tmp_path: Path) -> None:
    for seconds in (5.0, 7.0):
        held = HeldTime(tmp_path / "held")
        held.read()
        held.full_load.add(FullLoad(seconds=seconds))
        held.write()
    last = HeldTime(tmp_path / "held")
    last.read()
    assert last.full_load == FullLoad(seconds=12.0)
    last.forget()
    assert last.full_load == FullLoad()


def test_starts_of_servers_add_up_over_all_tries_and_are_forgotten_with_the_rest(tmp_path: Path) -> None:
    for seconds in (5.0, 7.0):
        held = HeldTime(tmp_path / "held")
        held.read()
        held.note_start(seconds)
        held.write()
    last = HeldTime(tmp_path / "held")
    last.read()
    assert (last.starts, last.start_s) == (2, 12.0)
    last.forget()
    assert (last.starts, last.start_s) == (0, 0.0)


def test_threads_may_write_at_the_same_time(tmp_path: Path) -> None:
    held = HeldTime(tmp_path / "held")
    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(held.write) for _ in range(200)]
    assert [write.exception() for write in done] == [None] * 200
    assert [path.name for path in tmp_path.iterdir()] == ["held"]


def test_time_for_something_else_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "held").write_text('{"held_s": 100}')
    held = HeldTime(tmp_path / "held")
    held.read()
    held.forget()
    assert held.seconds < 60


def test_what_was_for_other_requests_is_kept_apart_and_never_lost(tmp_path: Path) -> None:
    (tmp_path / "held").write_text('{"held_s": 100.5}')
    for number in (1, 2):
        held = HeldTime(tmp_path / "held")
        held.read()
        held.forget()
        held.superseded.update({"prompt_tokens": 10, "completion_tokens": 7})
        assert held.seconds < 60
        held.write()
        assert 100.5 <= held.superseded["held_s"] < 200
        assert held.superseded["completion_tokens"] == 7 * number


def test_each_try_held_its_own_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(held_time.time, "monotonic", lambda: now[0])
    for gpus, seconds in ((0, 36000.0), (8, 10.0), (4, 5.0)):
        held = HeldTime(tmp_path / "held", gpus)
        held.read()
        now[0] += seconds
        held.write()
    assert (held.seconds, held.gpu_s) == (36015.0, 100.0)
    held.forget()
    assert (held.gpu_s, held.superseded["gpu_s"]) == (20.0, 80.0)  # this try's are for what is asked now


def test_a_file_of_an_older_version_tells_as_many_gpus_as_now(tmp_path: Path) -> None:
    (tmp_path / "held").write_text('{"held_s": 100, "superseded": {"held_s": 50}}')
    held = HeldTime(tmp_path / "held", 2)
    held.read()
    assert 200 <= held.gpu_s < 260
    assert held.superseded["gpu_s"] == 100


def test_the_sizes_of_servers_are_those_that_were_started_and_measured(tmp_path: Path) -> None:
    for gpus, does in ((8, True), (4, False), (2, True)):
        held = HeldTime(tmp_path / "held", gpus)
        held.read()
        if does:
            held.note_start(5.0)
            held.full_load.add(FullLoad(seconds=10.0))
        held.write()
    assert (held.started_gpus, held.measured_gpus) == ({8, 2}, {8, 2})
    held.forget()
    assert (held.started_gpus, held.measured_gpus) == (set(), set())
