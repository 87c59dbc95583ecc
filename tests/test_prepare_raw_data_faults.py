"""A bad row is dropped with its reason and its place; a file that is broken or of another kind is an error."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_data_files import fail, many_threads, run, thread, write_jsonl, write_parquet

BAD_LINES = {
    "unreadable_json": [
        b'{"original_question": "q',
        b"\xff\xfe",
        b'{"original_question": "\xe9"}',
        b'"\\ud800"',
        b"\0",
    ],
    "missing_column": [b'{"original_question": "q"}', b'{"original_answers": []}'],
    "wrong_type": [
        b"7",
        b"[]",
        b'{"original_question": null, "original_answers": []}',
        b'{"original_question": "q", "original_answers": "a"}',
        b'{"original_question": "q", "original_answers": [1]}',
        b'{"original_question": "q", "original_answers": {"0": "a"}}',
    ],
    "empty_post": [b'{"original_question": " \\n\\u0000", "original_answers": ["a"]}'],
}


@pytest.mark.parametrize(("reason", "line"), [(reason, line) for reason, lines in BAD_LINES.items() for line in lines])
def test_a_bad_line_among_good_ones_is_dropped_with_its_reason_and_place(
    tmp_path: Path, reason: str, line: bytes
) -> None:
    lines = [orjson.dumps(row) for row in many_threads(200)]
    lines.insert(150, line)
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"\n".join(lines))
    result = run(tmp_path, file)
    assert len(result.rows) == 200
    assert result.counts["dropped"] == {reason: 1}
    assert [(row["reason"], row["file"], row["line"]) for row in result.dropped] == [(reason, str(file), 151)]


def test_of_an_unreadable_line_the_beginning_is_shown(tmp_path: Path) -> None:
    lines = [orjson.dumps(row) for row in many_threads(200)] + [b'{"a\xff": ' + b"y" * 10**6]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    text = run(tmp_path, tmp_path / "in.jsonl").dropped[0]["text"]
    assert text.startswith('{"a\ufffd": yyy')
    assert len(text) == 2000


def test_a_dropped_row_of_a_csv_file_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('original_question,original_answers\n"two\nlines",a\n" ",b\nc,d\n')
    found = run(tmp_path, tmp_path / "in.csv", options=["--max-bad-fraction=1"])
    assert [(row["reason"], row["line"]) for row in found.dropped] == [("empty_post", 4)]


def test_a_parquet_row_that_is_not_utf8_is_dropped_and_its_neighbours_stay(tmp_path: Path) -> None:
    posts = [b"post %d" % number for number in range(300)]
    posts[120] = b"\xff\xfe"
    table = pa.table(
        {"original_question": pa.array(posts, pa.binary()).view(pa.string()), "original_answers": [["a"]] * 300}
    )
    pq.write_table(table, tmp_path / "in.parquet")
    result = run(tmp_path, tmp_path / "in.parquet")
    assert [(row["reason"], row["line"]) for row in result.dropped] == [("unreadable_json", 121)]
    assert [row["forum_post"] for row in result.rows[119:122]] == ["post 119", "post 121", "post 122"]


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line and line.strip()), min_size=1))
@settings(max_examples=60, deadline=None)
def test_no_line_is_lost_whatever_it_holds(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "in.jsonl").write_bytes(b"\n".join([orjson.dumps(thread("q")), *lines]))
    result = run(folder, folder / "in.jsonl", options=["--max-bad-fraction=1"])
    assert result.counts["read"] == 1 + len(lines)
    assert len(result.dropped) == len(lines)


def test_too_many_bad_rows_are_an_error_that_names_the_first_ones(tmp_path: Path) -> None:
    rows = many_threads(97)
    rows[10:10] = [thread(" "), {"original_question": "q"}, thread("")]
    error = fail(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows), options=["--max-bad-fraction=0.02"])
    assert "3 of the first 100 rows cannot be used (2 empty_post, 1 missing_column)" in error.what
    assert f"{tmp_path}/in.jsonl:12: missing_column" in error.what
    assert (error.file, error.line) == (str(tmp_path / "in.jsonl"), 11)


def test_as_many_bad_rows_as_allowed_are_no_error(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "in.jsonl", [*many_threads(98), thread(""), thread(" ")])
    assert run(tmp_path, file, options=["--max-bad-fraction=0.02"]).counts["dropped"] == {"empty_post": 2}


def test_a_file_of_mostly_bad_rows_is_not_read_to_its_end(tmp_path: Path) -> None:
    good, bad = many_threads(10), [thread("")] * 200_000
    error = fail(tmp_path, write_jsonl(tmp_path / "in.jsonl", good + bad))
    read = int(error.what.split("of the first ")[1].split()[0])
    assert 1000 < read < 50_000


def test_all_bad_rows_may_be_allowed(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "in.jsonl", [thread("")] * 3000)
    assert run(tmp_path, file, options=["--max-bad-fraction=1"]).counts["dropped"] == {"empty_post": 3000}


def test_a_first_row_without_the_columns_is_an_error_that_lists_those_it_has(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "in.jsonl", [{"question": "q", "answers": []}, *many_threads(900)])
    error = fail(tmp_path, file)
    assert error.what == "has no original_question and no original_answers; its columns are: question, answers"
    assert error.line == 1


def test_a_parquet_file_without_the_columns_is_an_error_that_lists_those_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"original_question": ["q"], "answers": [["a"]]}), tmp_path / "in.parquet")
    error = fail(tmp_path, tmp_path / "in.parquet")
    assert error.what == "has no original_answers; its columns are: original_question, answers"


def test_parquet_columns_of_other_types_are_an_error(tmp_path: Path) -> None:
    pq.write_table(pa.table({"original_question": ["q"], "original_answers": ["a"]}), tmp_path / "in.parquet")
    assert "original_answers of type string" in fail(tmp_path, tmp_path / "in.parquet").what


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_rows_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.jsonl").write_bytes(content)
    assert fail(tmp_path, tmp_path / "in.jsonl").what == "holds no rows"


def test_a_parquet_file_without_rows_is_an_error(tmp_path: Path) -> None:
    assert fail(tmp_path, write_parquet(tmp_path / "in.parquet", [])).what == "holds no rows"


@pytest.mark.parametrize("suffix", ["parquet", "jsonl.gz"])
def test_a_file_that_was_cut_off_is_an_error(tmp_path: Path, suffix: str) -> None:
    rows = many_threads(2000)
    jsonl = write_jsonl(tmp_path / "in.jsonl", rows)
    whole = gzip.compress(jsonl.read_bytes()) if suffix == "jsonl.gz" else write_parquet(jsonl, rows).read_bytes()
    file = tmp_path / f"cut.{suffix}"
    file.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read" in fail(tmp_path, file).what


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz", "in.parquet", "in.json"])
def test_a_missing_file_is_an_error(tmp_path: Path, name: str) -> None:
    assert fail(tmp_path, tmp_path / name).file == tmp_path / name


def test_a_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    error = fail(tmp_path, tmp_path / "in.xlsx")
    assert "cannot be read" in error.what
    assert "Parquet" in str(error)
