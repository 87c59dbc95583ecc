"""Raw threads are the same in files of every form, in one file or many, under columns of every name."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_data_files import Row, fail, many_threads, parse_lines, run, thread, threads, write_jsonl, write_parquet


def test_every_format_and_every_division_into_files_gives_the_same(tmp_path: Path) -> None:
    rows = [row | {"source_page": number, "original_answers": None if number == 5 else row["original_answers"]}
            for number, row in enumerate(many_threads(700))]  # fmt: skip
    jsonl = write_jsonl(tmp_path / "in.jsonl", rows)
    zipped = tmp_path / "in.jsonl.gz"
    zipped.write_bytes(gzip.compress(jsonl.read_bytes()))
    parquet = write_parquet(tmp_path / "in.parquet", rows)
    halves = write_jsonl(tmp_path / "one.jsonl", rows[:350]), write_parquet(tmp_path / "two.parquet", rows[350:])
    expected = run(tmp_path, jsonl).output
    assert len(parse_lines(expected)) == 700
    assert [run(tmp_path, *files).output == expected for files in [(zipped,), (parquet,), halves]] == [True] * 3


def test_a_manifest_stands_for_its_files(tmp_path: Path) -> None:
    rows = many_threads(20)
    (tmp_path / "data").mkdir()
    write_jsonl(tmp_path / "data" / "b.jsonl", rows[:10])
    write_parquet(tmp_path / "data" / "a.parquet", rows[10:])
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"files": [{"path": "data/b.jsonl"}, {"path": "data/a.parquet"}]}))
    assert run(tmp_path, manifest).output == run(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows)).output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no rows"),
        ("[]", "holds no rows"),
        ('{"files": [1]}', "has no original_question"),
        ('{"original_question": "q"}', "has no original_answers"),
    ],
)
def test_another_json_file_is_no_manifest_but_a_file_of_rows(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "in.json").write_text(content)
    assert said in fail(tmp_path, tmp_path / "in.json").what


def csv_of(rows: list[Row]) -> str:
    cells = ([row["original_question"], json.dumps(row["original_answers"])] for row in rows)
    lines = ",".join(("original_question", "original_answers"))
    return lines + "".join('\n"{}","{}"'.format(*(cell.replace('"', '""') for cell in pair)) for pair in cells)


def test_the_same_threads_come_out_of_files_of_every_kind(tmp_path: Path) -> None:
    rows = [row for row in many_threads(450) if None not in row["original_answers"]]
    wanted = [row["id"] for row in run(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows)).rows]
    (tmp_path / "in.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "in.json.gz").write_bytes(gzip.compress((tmp_path / "in.json").read_bytes()))
    (tmp_path / "in.csv").write_text(csv_of(rows))
    lines = (tmp_path / "in.jsonl").read_bytes()
    (tmp_path / "in.jsonl.zst").write_bytes(pa.Codec("zstd").compress(lines, asbytes=True))
    (tmp_path / "folder").mkdir()
    write_parquet(tmp_path / "folder" / "0.parquet", rows[:300])
    write_parquet(tmp_path / "folder" / "1.parquet", rows[300:])
    for name in ("in.json", "in.json.gz", "in.csv", "in.jsonl.zst", "folder"):
        assert [row["id"] for row in run(tmp_path, tmp_path / name).rows] == wanted, name


def test_columns_of_other_names_and_inside_others_are_those_that_config_names(tmp_path: Path) -> None:
    plain = [thread("Find $x$.", "5", "No, 6."), thread("Find $y$.")]
    wanted = run(tmp_path, write_jsonl(tmp_path / "plain.jsonl", plain))
    rows = [
        {"thread": {"title": row["original_question"]}, "replies": [{"body": text} for text in row["original_answers"]]}
        for row in plain
    ]
    options = ["--question=thread.title", "--answers=replies.*.body"]
    for path in (write_jsonl(tmp_path / "in.jsonl", rows), tmp_path / "in.parquet"):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
        assert run(tmp_path, path, options=options).output == wanted.output
    texts = [{"q": "Find $x$.", "a": "5"}]
    found = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", texts), options=["--question=q", "--answers=a"])
    assert "5" in found.rows[0]["forum_discussions"]


@pytest.mark.parametrize("limit", [1, 199, 200, 201, 450])
def test_a_limit_takes_the_first_rows_whatever_the_format(tmp_path: Path, limit: int) -> None:
    rows = many_threads(450)
    whole = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows)).rows
    option = [f"--limit={limit}"]
    files = [
        [write_jsonl(tmp_path / "in.jsonl", rows)],
        [write_parquet(tmp_path / "in.parquet", rows)],
        [write_parquet(tmp_path / "one.parquet", rows[:200]), write_jsonl(tmp_path / "two.jsonl", rows[200:])],
    ]
    for inputs in files:
        result = run(tmp_path, *inputs, options=option)
        assert result.rows == whole[:limit]
        assert result.counts["read"] == limit


def test_with_a_limit_later_files_are_not_even_opened(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "in.jsonl", many_threads(5))
    assert len(run(tmp_path, file, tmp_path / "missing.jsonl", options=["--limit=5"]).rows) == 5


def test_blank_lines_a_byte_order_mark_and_crlf_change_nothing(tmp_path: Path) -> None:
    lines = [orjson.dumps(row) for row in many_threads(5)]
    plain, odd = tmp_path / "plain.jsonl", tmp_path / "odd.jsonl"
    plain.write_bytes(b"\n".join(lines))
    odd.write_bytes(b"\xef\xbb\xbf" + b"\r\n \r\n\n".join(lines) + b"\r\n")
    assert run(tmp_path, odd) == run(tmp_path, plain)
    assert run(tmp_path, odd, options=["--limit=3"]) == run(tmp_path, plain, options=["--limit=3"])


@given(st.lists(threads | st.just({"original_question": None, "original_answers": None}), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_json_lines_and_parquet_give_the_same(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    folder = tmp_path_factory.mktemp("formats")
    everything = ["--max-bad-fraction=1"]
    first = run(folder, write_jsonl(folder / "in.jsonl", rows), options=everything)
    second = run(folder, write_parquet(folder / "in.parquet", rows), options=everything)
    assert (first.output, first.counts) == (second.output, second.counts)
