"""A stage accounts for every row it read, or leaves nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from omr.errors import UserError
from omr.files.jsonl import dumps
from omr.stages.stage import Stage


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join(dumps({"id": str(number)}) for number in range(4)))
    return path


def stage(folder: Path) -> Stage:
    return Stage("a_stage", folder / "out.jsonl", folder / "dropped.jsonl", folder / "counts.json")


def lines(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_counts_say_what_was_read_passed_written_and_dropped(tmp_path: Path, rows: Path) -> None:
    with stage(tmp_path) as run:
        for row in run.read(rows, {"id": str}):
            if row["id"] == "0":
                run.drop(row, "zero", seen=1)
            elif row["id"] == "1":
                run.write_all([row, row])
            else:
                run.write(row)
        run.note("extra", 7)
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    assert counts | {"dropped_parts": None} == {
        "stage": "a_stage",
        "read": 4,
        "passed": 3,
        "written": 4,
        "dropped": {"zero": 1},
        "extra": 7,
        "dropped_parts": None,
    }
    assert lines(tmp_path / "dropped.jsonl") == [{"id": "0", "reason": "zero", "seen": 1}]
    assert len(lines(tmp_path / "out.jsonl")) == 4


def test_a_row_that_is_neither_written_nor_dropped_stops_the_stage(tmp_path: Path, rows: Path) -> None:
    def forget_rows() -> None:
        with stage(tmp_path) as run:
            for row in run.read(rows):
                if row["id"] != "2":
                    run.write(row)

    with pytest.raises(UserError, match="1 rows are unaccounted for"):
        forget_rows()
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.jsonl"]


def test_an_error_half_way_leaves_nothing(tmp_path: Path, rows: Path) -> None:
    def fail() -> None:
        with stage(tmp_path) as run:
            for row in run.read(rows):
                run.write(row)
                raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        fail()
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_row_cannot_silently_become_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be dropped with a reason"), stage(tmp_path) as run:
        run.write_all([])


def test_the_reason_wins_over_a_field_of_that_name(tmp_path: Path) -> None:
    with stage(tmp_path) as run:
        run.count_read()
        run.drop({"id": "a", "reason": "mine"}, "theirs")
    assert lines(tmp_path / "dropped.jsonl")[0]["reason"] == "theirs"
