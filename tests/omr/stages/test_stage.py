"""A stage accounts for every row it read, or leaves nothing."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

import orjson
import pytest
from omr.errors import UserError
from omr.files.jsonl import dumps, read_rows
from omr.stages.flags import open_stage
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
        "bytes_read": {"other": 44},
        "dropped_parts": None,
    }
    assert lines(tmp_path / "dropped.jsonl") == [{"id": "0", "reason": "zero", "seen": 1}]
    assert len(lines(tmp_path / "out.jsonl")) == 4


def test_bytes_are_told_by_the_flag_that_named_their_files(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "folder/e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(dumps({"id": name}))
    sizes = {name: (tmp_path / name).stat().st_size for name in ("a", "b", "c", "d", "folder/e")}
    before = list(read_rows(tmp_path / "a"))  # of no stage
    args = Namespace(
        rows=tmp_path / "a", several=[tmp_path / "b", tmp_path / "c"], named=[f"x={tmp_path / 'd'}"], text="y=z",
        folder=tmp_path / "folder", number=3, nothing=None, output=tmp_path / "out", dropped=tmp_path / "dropped",
        counts=tmp_path / "counts",
    )  # fmt: skip
    with open_stage("a_stage", args) as run:
        for name in ("b", "c", "c", "d", "folder/e"):
            assert len(list(read_rows(tmp_path / name))) == len(before)
        for row in run.read(tmp_path / "a"):
            run.write(row)
    assert orjson.loads(args.counts.read_bytes())["bytes_read"] == {
        "folder": sizes["folder/e"],
        "named": sizes["d"],
        "rows": sizes["a"],
        "several": sizes["b"] + 2 * sizes["c"],
    }


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


@pytest.mark.parametrize("renamed", [0, 1, 2])
def test_rows_are_never_there_without_their_counts_whenever_a_stage_is_killed(
    tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    rename, left = os.replace, iter(range(renamed))

    def until_killed(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise SystemExit("killed")
        rename(source, target)

    def pass_on() -> None:
        with stage(tmp_path) as run:
            for row in run.read(rows):
                run.write(row)

    monkeypatch.setattr(os, "replace", until_killed)
    with pytest.raises(SystemExit):
        pass_on()
    assert len([path for path in tmp_path.iterdir() if path != rows]) == renamed
    assert not (tmp_path / "out.jsonl").exists()


def test_a_row_cannot_silently_become_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be dropped with a reason"), stage(tmp_path) as run:
        run.write_all([])


def test_the_reason_wins_over_a_field_of_that_name(tmp_path: Path) -> None:
    with stage(tmp_path) as run:
        run.count_read()
        run.drop({"id": "a", "reason": "mine"}, "theirs")
    assert lines(tmp_path / "dropped.jsonl")[0]["reason"] == "theirs"
