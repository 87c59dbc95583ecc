"""Rows by their id: found in any order, none held in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from omr.stages.row_index import RowIndex
from solution_files import write_rows


def rows(*ids: str) -> list[dict[str, object]]:
    return [{"id": row_id, "number": number} for number, row_id in enumerate(ids)]


def test_all_rows_of_an_id_are_found_wherever_they_stand(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / "a.jsonl", rows("x", "y", "x")), write_rows(tmp_path / "b.jsonl", rows("x"))]
    with RowIndex(files, {"id": str, "number": int}) as index:
        assert [row["number"] for row in index.get("x")] == [0, 2, 0]
        assert [row["number"] for row in index.get("y")] == [1]
        assert index.get("z") == []
        assert len(index) == 4


def test_rows_that_nobody_wants_are_neither_known_nor_read(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", rows("x", "y"))
    path.write_bytes(path.read_bytes() + b'{"id":"z", this is no JSON}\n')
    with RowIndex([path], {"id": str}, lambda row_id: row_id == "x") as index:
        assert len(index) == 1
        assert index.get("y") == []


def test_an_id_that_does_not_stand_first_or_has_escapes_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"number":1,"id":"x"}\n{"id":"\\u0078","number":2}\n')
    with RowIndex([path], {"id": str}) as index:
        assert [row["number"] for row in index.get("x")] == [1, 2]


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"number":1}\n', b'{"id":5}\n', b'{"id":"x"'])
def test_a_line_that_is_no_row_is_an_error_with_its_file(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line)
    with pytest.raises(UserError, match=r"a\.jsonl"), RowIndex([path], {"id": str}) as index:
        index.get("x")


def test_a_row_that_lacks_a_field_is_an_error(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"id": "x"}])
    with RowIndex([path], {"id": str, "text": str}) as index, pytest.raises(UserError, match="'text' is missing"):
        index.get("x")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        RowIndex([tmp_path / "none.jsonl"], {"id": str})
