"""What was read is counted, whoever reads it and however."""

from __future__ import annotations

from pathlib import Path

from omr.files import bytes_read
from omr.files.jsonl import open_for_reading, read_rows
from omr.stages.workers import ordered_map


def read(path: Path) -> int:
    return bytes_read.so_far()[str(path)]


def count_lines(path: Path) -> int:
    return sum(1 for _ in read_rows(path))


def test_lines_and_whole_files_count_with_what_the_buffer_read_ahead(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id":"a"}\n' * 1000)
    assert count_lines(path) == 1000
    assert read(path) == 11_000
    with open_for_reading(path) as file:
        assert len(file.read()) == 11_000
    assert read(path) == 22_000
    with open_for_reading(path, 4096) as file:
        file.readline()
    assert read(path) == 22_000 + 4096
    assert read(tmp_path / "nothing") == 0


def test_an_empty_file_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert list(read_rows(tmp_path / "empty")) == []
    assert read(tmp_path / "empty") == 0


def test_what_workers_read_is_counted_here_and_what_was_read_before_them_once(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jsonl" for number in range(6)]
    for path in paths:
        path.write_bytes(b'{"id":"a"}\n' * 10)
    assert count_lines(paths[0]) == 10
    assert list(ordered_map(count_lines, paths[1:], workers=3)) == [10] * 5
    assert [read(path) for path in paths] == [110] * 6
