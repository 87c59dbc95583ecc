"""Rows of our own files: strict, with place and remedy; files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.errors import UserError
from omr.files.jsonl import AtomicFile, dumps, numbered_rows, parts_of, read_rows, rows_within


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "é\n\\frac{1}{2} 中"}, {"id": "b", "text": None}]
    (tmp_path / "x.jsonl").write_bytes(b"".join(map(dumps, rows)))
    assert list(read_rows(tmp_path / "x.jsonl", {"id": str, "text": (str, None)})) == rows


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{oops", "unreadable JSON"),
        (b"", "unreadable JSON"),
        (b"[1]", "a JSON object was expected, not list"),
        (b'{"id": "a"}', "the field 'n' is missing (it has: 'id')"),
        (b'{"id": "a", "n": "1"}', "the field 'n' must be an integer, not str"),
        (b'{"id": "a", "n": true}', "the field 'n' must be an integer, not bool"),
        (b'{"id": null, "n": 1}', "the field 'id' must be a string, not NoneType"),
        (b'{"id": "\xff", "n": 1}', "unreadable JSON"),
    ],
)
def test_a_bad_line_is_an_error_with_file_line_and_remedy(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": "a", "n": 1}\n' + line + b"\n")
    with pytest.raises(UserError) as caught:
        list(read_rows(path, {"id": str, "n": int}))
    assert (caught.value.line, said in str(caught.value)) == (2, True)
    assert f"{path}:2:" in str(caught.value)
    assert "remedy:" in str(caught.value)


IDS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(st.lists(IDS, max_size=30), st.sets(IDS), st.booleans())
def test_only_wanted_rows_come_back_however_their_ids_are_spelt(ids: list[str], wanted: set[str], first: bool) -> None:
    rows = [{"id": name, "n": n} if first else {"n": n, "id": name} for n, name in enumerate(ids)]
    wanted |= set(ids[::2])
    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        path.write_bytes(b"".join(map(dumps, rows)))
        found = list(numbered_rows(path, {"id": str, "n": int}, wanted.__contains__))
    assert found == [(n + 1, row) for n, row in enumerate(rows) if row["id"] in wanted]


def test_rows_of_others_are_not_even_parsed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id":"theirs","text":"cut off\n' + dumps({"id": "ours"}))
    assert list(numbered_rows(path, {"id": str}, "ours".__eq__)) == [(2, {"id": "ours"})]


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        list(read_rows(tmp_path / "x.jsonl"))


def test_a_file_that_failed_half_way_leaves_the_old_one_untouched(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"old")

    def write_and_fail() -> None:
        with AtomicFile(path) as file:
            file.write(b"half")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.jsonl"]


@pytest.mark.parametrize("ending", [b"\n", b""])
@pytest.mark.parametrize("size", [1, 2, 9, 10, 11, 25, 1000])
def test_each_row_is_in_one_part_of_a_file_whatever_the_parts(tmp_path: Path, size: int, ending: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"id": "x" * (number % 5)} for number in range(12)]
    path.write_bytes(b"\n".join(dumps(row).rstrip() for row in rows) + ending)
    parts = parts_of(path, size)
    assert [row for part in parts for row in rows_within(*part, required={"id": str})] == rows
    assert parts[-1][2] == path.stat().st_size


def test_an_empty_file_is_one_part_without_rows(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").touch()
    (part,) = parts_of(tmp_path / "rows.jsonl", 10)
    assert list(rows_within(*part, required={"id": str})) == []


def test_a_bad_line_in_a_part_is_told_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id":"a"}\n{"id":7}\n')
    with pytest.raises(UserError, match="at byte 11: the field 'id' must be a string"):
        [list(rows_within(*part, required={"id": str})) for part in parts_of(path, 12)]
