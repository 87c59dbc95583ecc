"""Files of rows of every kind: the same rows come out, in flat memory, and damage is named."""

from __future__ import annotations

import gzip
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.errors import UserError
from omr.files.tables import MISSING, data_files, kind_of, read_lines, top_columns, value_at

ROWS = [{"problem": 'Find "x", [x] \\ {y}.\n', "answer": "5"}, {"problem": "Ünïcode 🙂", "answer": None}]


def zst(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


def csv_of(rows: list[dict[str, Any]], delimiter: str) -> bytes:
    quoted = ['"{}"'.format((cell or "").replace('"', '""')) for row in rows for cell in row.values()]
    lines = [delimiter.join(rows[0]), *(delimiter.join(quoted[at : at + 2]) for at in range(0, len(quoted), 2))]
    return "\n".join(lines).encode()


def contents() -> dict[str, bytes]:
    lines = b"".join(orjson.dumps(row) + b"\n" for row in ROWS)
    pretty = orjson.dumps(ROWS, option=orjson.OPT_INDENT_2)
    plain = {"a.jsonl": lines, "b.ndjson": lines, "c.json": lines, "d.json": pretty, "e.json": orjson.dumps(ROWS)}
    plain |= {"f.csv": csv_of(ROWS, ","), "g.tsv": csv_of(ROWS, "\t"), "h.JSONL": b"\xef\xbb\xbf" + lines}
    plain |= {"i.json": b"\xef\xbb\xbf \n" + pretty, "j.csv": b"\xef\xbb\xbf" + csv_of(ROWS, ",") + b"\r\n\r\n"}
    plain |= {
        "k.jsonl": pretty,
        "l.ndjson": orjson.dumps(ROWS),
        "m.csv": csv_of(ROWS, ";"),
        "n.csv": csv_of(ROWS, "\t"),
    }
    packed = {f"{name}.gz": gzip.compress(data) for name, data in plain.items()}
    return plain | packed | {f"{name}.zst": zst(data) for name, data in plain.items()}


def read(path: Path) -> list[Any]:
    return [orjson.loads(line.data) for line in read_lines(path)]


@pytest.mark.parametrize("name", contents())
def test_every_kind_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(contents()[name])
    assert read(tmp_path / name) == ROWS


def test_of_parquet_only_the_columns_that_are_asked_for_are_read(tmp_path: Path) -> None:
    pq.write_table(
        pa.Table.from_pylist([row | {"other": 1, "meta": {"source": "s"}} for row in ROWS]), tmp_path / "a.parquet"
    )
    assert read(tmp_path / "a.parquet") == [row | {"other": 1, "meta": {"source": "s"}} for row in ROWS]
    wanted = top_columns(["problem", "meta.source"])
    assert [orjson.loads(line.data) for line in read_lines(tmp_path / "a.parquet", wanted)] == [
        {"problem": row["problem"], "meta": {"source": "s"}} for row in ROWS
    ]


def test_a_value_that_json_does_not_know_costs_only_its_row_and_a_decimal_is_a_text(tmp_path: Path) -> None:
    table = pa.table({"a": [Decimal("7.50"), Decimal("1.00")], "b": pa.array([None, b"\xff"], pa.binary())})
    pq.write_table(table, tmp_path / "a.parquet")
    lines = [line.data for line in read_lines(tmp_path / "a.parquet")]
    assert orjson.loads(lines[0]) == {"a": "7.50", "b": None}
    assert lines[1].startswith(b"this row cannot be written as JSON: ")
    assert b"bytes" in lines[1]


def test_packed_files_that_were_put_one_behind_the_other_are_read_to_the_end(tmp_path: Path) -> None:
    parts = [orjson.dumps(row) + b"\n" for row in ROWS]
    (tmp_path / "a.jsonl.gz").write_bytes(b"".join(map(gzip.compress, parts)))
    (tmp_path / "a.jsonl.zst").write_bytes(b"".join(map(zst, parts)))
    assert read(tmp_path / "a.jsonl.gz") == read(tmp_path / "a.jsonl.zst") == ROWS


def test_a_folder_is_its_files_of_rows_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "sub/a.csv", "README.md", ".hidden.jsonl", ".git/c.jsonl", "_tmp/d.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"{}\n")
    assert [str(file.relative_to(tmp_path)) for file in data_files(tmp_path)] == ["b.jsonl", "sub/a.csv"]


@pytest.mark.parametrize("name", ["x.xlsx", "x", "x.parquet.gz", "x.jsonl.bz2", "x.zst"])
def test_a_file_of_another_kind_is_an_error_that_says_what_can_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"{}\n")
    assert kind_of(tmp_path / name) is None
    with pytest.raises(UserError, match="Parquet"):
        list(read_lines(tmp_path / name))


def test_a_folder_without_rows_and_a_path_that_is_not_there_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UserError):
            data_files(path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 9999, mtime=0)[:-20]),
        ("cut.jsonl.zst", zst(orjson.dumps(list(range(9999))))[:-20]),
        ("no.json.gz", b"not packed at all"),
        ("no.csv.zst", b"not packed at all"),
        ("open.json", b'[{"a": 1}, {"a": 2}'),
        ("quote.json", b'[{"a": "never closed}]'),
        ("escape.json", b'["\\'),
        ("more.json", b'[{"a": 1}] {"a": 2}'),
        ("two.json", b"[{}][{}]"),
        ("object.json", b'{\n "data": [{"a": 1}]\n}'),
        ("mixed.jsonl", b'[{"a": 1}]\n{"a": 2}\n'),
        ("quote.csv", b'a,b\n1,"never closed\n2,3\n'),
        ("short.csv", b"a,b\n1\n"),
        ("long.csv", b"a,b\n1,2,3\n"),
        ("names.csv", b"a,a\n1,2\n"),
        ("noname.csv", b"a,\n1,2\n"),
        ("latin.csv", b"a,b\n1,caf\xe9\n"),
        ("no.parquet", b"PAR1 not really"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=name):
        list(read_lines(tmp_path / name))


def test_an_element_that_is_no_json_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'[{"a": 1}, oops, {"a": 2},\n {"a"\n: tru}, "text, [", [1, {"b": 2}]]')
    lines = [line.data for line in read_lines(tmp_path / "a.json")]
    assert lines == [b'{"a": 1}', b"oops", b'{"a": 2}', b'{"a" : tru}', b'"text, ["', b'[1, {"b": 2}]']


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=9) | st.lists(st.text(max_size=3)), max_size=3)
    ),
    block=st.integers(1, 9),
    indent=st.booleans(),
)
def test_arrays_are_cut_alike_wherever_a_block_ends(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], block: int, indent: bool
) -> None:
    path = tmp_path_factory.mktemp("array") / "a.json"
    path.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2 if indent else 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("omr.files.tables._BLOCK", block)
        assert read(path) == rows


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b'"a "b" c",1\n', "not valid CSV"),
        (b'"never closed,1\n', "not valid CSV"),
        (b"caf\xe9,1\n", "not text in UTF-8"),
    ],
)
def test_torn_csv_is_told_with_its_line_and_what_is_wrong(tmp_path: Path, row: bytes, said: str) -> None:
    path = tmp_path / "torn.csv"
    path.write_bytes(b"a,b\n1,2\n" + row)
    with pytest.raises(UserError, match=said) as caught:
        list(read_lines(path))
    assert caught.value.line == 3


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.json.zst", "a.jsonl.gz"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    row = {"problem": "x" * 1000, "answer": "5"}
    pa.Codec("zstd")  # loaded before memory is watched
    peaks = []
    for number in (3_000, 12_000):
        rows = [row] * number
        data = (
            orjson.dumps(rows)
            if ".json" in name and "jsonl" not in name
            else b"".join(orjson.dumps(r) + b"\n" for r in rows)
        )
        data = csv_of(rows, ",") if "csv" in name else data
        (tmp_path / name).write_bytes(
            gzip.compress(data, 1) if ".gz" in name else zst(data) if ".zst" in name else data
        )
        del data, rows
        tracemalloc.start()
        assert sum(1 for _ in read_lines(tmp_path / name)) == number
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


@pytest.mark.parametrize(
    ("row", "path", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a.b": 2, "a": {"b": 1}}, "a.b", 2),
        ({"a.b": {"c": 3}}, "a.b.c", 3),
        ({"a": [{"b": 1}, {"b": 2}]}, "a.1.b", 2),
        ({"a": '{"b": [7]}'}, "a.b.0", 7),
        ({"a": "{no json"}, "a.b", MISSING),
        ({"a": None}, "a.b", MISSING),
        ({"a": None}, "a", None),
        ({"a": [1]}, "a.1", MISSING),
        ({"a": [1]}, "a.-1", MISSING),
        ({"a": "text"}, "a.0", MISSING),
        ([1], "0", 1),
        ("text", "0", MISSING),
        ({"a": 1}, "", MISSING),
        ({"a": 1}, "a.", MISSING),
        ({"a": [{"b": 1}, {"c": 2}, 3]}, "a.*.b", [1, None, None]),
        ({"a": [[1, 2], [3]]}, "a.*.*", [[1, 2], [3]]),
        ({"a": {"b": 1}}, "a.*", MISSING),
        ({"a": 1}, "...", MISSING),
    ],
)
def test_a_path_leads_into_a_column_or_nowhere(row: Any, path: str, value: Any) -> None:
    assert value_at(row, path) == value
