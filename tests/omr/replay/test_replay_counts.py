from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from omr.errors import UserError
from omr.replay.counts import RequestCounts


def events(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_every_event_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "counts.jsonl"
    counts = RequestCounts(path)
    attempt = counts.begin("a")
    assert events(path) == [{"event": "received", "id": "a", "attempt": 1}]
    counts.answer("a", attempt)
    assert events(path)[1:] == [{"event": "answered", "id": "a", "attempt": 1}]


def test_a_restarted_server_goes_on_counting(tmp_path: Path) -> None:
    path = tmp_path / "counts.jsonl"
    first = RequestCounts(path)
    first.answer("a", first.begin("a"))
    first.close()
    second = RequestCounts(path)
    assert second.begin("a") == 2
    assert (second.received["a"], second.answered["a"]) == (2, 1)


@pytest.mark.parametrize("length", range(1, 40))
def test_a_line_torn_by_a_kill_counts_for_nothing(tmp_path: Path, length: int) -> None:
    path = tmp_path / "counts.jsonl"
    first = RequestCounts(path)
    first.begin("a{}")
    first.close()
    path.write_bytes(path.read_bytes() + path.read_bytes()[:length])
    second = RequestCounts(path)
    assert second.begin("a{}") == 2
    second.close()
    assert RequestCounts(path).received["a{}"] == 2


def test_a_reset_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "counts.jsonl"
    first = RequestCounts(path)
    first.answer("a", first.begin("a"))
    first.reset()
    assert first.begin("b") == 1
    again = RequestCounts(path)
    assert (again.received, again.answered) == ({"b": 1}, {})


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("milk\neggs\n")
    with pytest.raises(UserError, match="not a line of counts"):
        RequestCounts(path)
    assert path.read_text() == "milk\neggs\n"


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot count there"):
        RequestCounts(tmp_path / "file" / "counts.jsonl")


def test_the_peak_is_the_most_in_flight_at_once() -> None:
    counts = RequestCounts()
    counts.begin("a")
    counts.begin("b")
    counts.end()
    counts.begin("c")
    assert (counts.in_flight, counts.peak_in_flight) == (2, 2)
    assert not counts.idle.is_set()
    counts.end()
    counts.end()
    assert (counts.in_flight, counts.peak_in_flight, counts.idle.is_set()) == (0, 2, True)
