"""A share of a file's rows is found by places without a look at the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omr.errors import UserError
from omr.files.jsonl import dumps
from omr.stages.row_places import OwnRows, Place, PlacedRows
from omr.stages.shards import shard_of
from omr.stages.stage import Stage

SHARDS = 5


def write(folder: Path, rows: list[dict[str, Any]]) -> tuple[Path, Path]:
    """A file as stages write it, and its places."""
    paths = folder / "rows.jsonl", folder / "rows.places"
    with Stage("a_stage", PlacedRows(*paths), folder / "dropped", folder / "counts") as stage:
        stage.count_read(len(rows))
        for row in rows:
            stage.write(row)
    return paths


def rows(number: int = 200, text: str = "text ≤ \\le\n" * 1000) -> list[dict[str, Any]]:
    return [{"id": f"r{n}", "text": f"{n} {text[: 37 * n]}"} for n in range(number)]


def found(own: OwnRows) -> list[dict[str, Any]]:
    return [row for _, row in own.all()]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.dictionaries(st.text(max_size=5), st.text(max_size=9000), max_size=20),
    shards=st.integers(min_value=1, max_value=4),
)
def test_by_places_each_shard_has_the_rows_that_it_has_without_them(
    tmp_path: Path, texts: dict[str, str], shards: int
) -> None:
    path, places = write(tmp_path, [{"id": row_id, "text": text} for row_id, text in texts.items()])
    shares = [found(OwnRows(path, shard, shards, places)) for shard in range(shards)]
    assert shares == [found(OwnRows(path, shard, shards)) for shard in range(shards)]
    assert sorted(row["id"] for share in shares for row in share) == sorted(texts)


def test_with_places_nothing_of_the_others_long_rows_is_read(tmp_path: Path) -> None:
    long = [row | {"text": str(row["text"]).ljust(20_000, "x")} for row in rows()]
    path, places = write(tmp_path, long)
    content = bytearray(path.read_bytes())
    start = 0
    for row in long:
        end = start + len(dumps(row))
        if shard_of(row["id"], SHARDS) != 2:
            content[start:end] = b"\xff" * (end - start)  # would be a fault if it was looked at
        start = end
    path.write_bytes(content)
    own = OwnRows(path, 2, SHARDS, places)
    expected = [row for row in long if shard_of(row["id"], SHARDS) == 2]
    assert found(own) == expected
    assert own.bytes_read == sum(len(dumps(row)) for row in expected) + places.stat().st_size


@pytest.mark.parametrize("with_places", [True, False])
def test_some_of_the_rows_are_read_again_by_the_places_that_were_told(tmp_path: Path, with_places: bool) -> None:
    path, places = write(tmp_path, rows())
    own = OwnRows(path, 1, SHARDS, places if with_places else None)
    told = list(own.all())
    read_before = own.bytes_read
    some = told[::3]
    assert list(own.at(place for place, _ in some)) == [row for _, row in some]
    assert list(own.at([])) == []
    assert 0 < own.bytes_read - read_before < path.stat().st_size


def test_neighbours_are_read_at_once_whatever_they_take(tmp_path: Path) -> None:
    path, _ = write(tmp_path, rows(40, "y" * 3_000_000) + [{"id": "last", "text": "z" * 3_000_000}])
    own = OwnRows(path)
    told = list(own.all())
    assert own.bytes_read == path.stat().st_size
    assert list(own.at(place for place, _ in told)) == [row for _, row in told]


def test_a_files_rows_may_be_none(tmp_path: Path) -> None:
    path, places = write(tmp_path, [])
    assert found(OwnRows(path, 0, 3, places)) == found(OwnRows(path, 0, 3)) == []


def test_places_of_other_rows_are_refused(tmp_path: Path) -> None:
    path, places = write(tmp_path, rows())
    path.write_bytes(path.read_bytes() + dumps({"id": "new"}))
    with pytest.raises(UserError, match="places of other rows"):
        found(OwnRows(path, 0, SHARDS, places))


def test_a_row_that_is_not_where_its_places_say_is_refused(tmp_path: Path) -> None:
    path, places = write(tmp_path, rows(50))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[10:], *lines[:10]]))
    with pytest.raises(UserError, match=r"another row|unreadable"):
        [found(OwnRows(path, shard, SHARDS, places)) for shard in range(SHARDS)]


@pytest.mark.parametrize("content", [b"", b"1234567", b"x" * 16, b"\x00" * 12])
def test_what_is_no_file_of_places_is_refused(tmp_path: Path, content: bytes) -> None:
    path, places = write(tmp_path, rows(3))
    places.write_bytes(content)
    with pytest.raises(UserError, match="no file of places"):
        found(OwnRows(path, 0, SHARDS, places))


@pytest.mark.parametrize(("line", "what"), [(b"{}\n", "'id' is missing"), (b"[]\n", "object"), (b'{"id":7}\n', "'id'")])
def test_a_line_that_is_no_row_is_told_by_its_number(tmp_path: Path, line: bytes, what: str) -> None:
    path, _ = write(tmp_path, rows(3))
    path.write_bytes(path.read_bytes() + line + line)
    with pytest.raises(UserError, match=what) as caught:
        found(OwnRows(path, 0, 2))
    assert caught.value.line == 4


def test_the_line_of_a_place_counts_what_stands_before(tmp_path: Path) -> None:
    path, _ = write(tmp_path, rows(9))
    own = OwnRows(path)
    assert [own.line_of(place) for place, _ in own.all()] == list(range(1, 10))
    assert own.line_of(Place(path.stat().st_size, 1)) == 9


def test_neither_file_appears_if_the_stage_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with Stage("s", PlacedRows(tmp_path / "x", tmp_path / "y"), tmp_path / "d", tmp_path / "c") as stage:
            stage.count_read(2)
            stage.write({"id": "r"})

    with pytest.raises(UserError, match="unaccounted"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_places_of_other_rows_of_the_same_size_are_refused_whichever_row_is_read_first(tmp_path: Path) -> None:
    long, short = [{"id": "a"}, {"id": "bb", "t": "x" * 10}], [{"id": "a", "t": "x" * 10}, {"id": "bb"}]
    (tmp_path / "long").mkdir()
    (tmp_path / "short").mkdir()
    path, _ = write(tmp_path / "long", long)
    _, places = write(tmp_path / "short", short)
    second = Place(path.stat().st_size - len(dumps(short[1])), len(dumps(short[1])))
    for ask in (lambda: found(OwnRows(path, places=places)), lambda: list(OwnRows(path).at([second]))):
        with pytest.raises(UserError, match="unreadable JSON"):
            ask()
