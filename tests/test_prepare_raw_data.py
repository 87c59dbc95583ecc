from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import prepare_raw_data
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.errors import UserError
from omr.threads.posts import thread_id
from small_tokenizer import save_tokenizer
from stage_runs import without_reads

Row = dict[str, Any]


class Result(NamedTuple):
    """What a run wrote."""

    rows: list[Row]
    dropped: list[Row]
    counts: Row
    output: bytes


def thread(post: str, *answers: str, **more: Any) -> Row:
    return {"original_question": post, "original_answers": list(answers), **more}


def many_threads(count: int) -> list[Row]:
    return [
        thread(f"Find {number}.", f"[quote]Find {number}.[/quote]It is {number}.", "Yes.") for number in range(count)
    ]


def write_jsonl(path: Path, rows: Sequence[Row]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def write_parquet(path: Path, rows: Sequence[Row]) -> Path:
    schema = pa.schema([("original_question", pa.string()), ("original_answers", pa.list_(pa.string()))])
    for row in rows:
        for name, value in row.items():
            if name not in schema.names:
                schema = schema.append(pa.field(name, pa.int64() if isinstance(value, int) else pa.string()))
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, row_group_size=300)
    return path


def run(folder: Path, *inputs: Path, options: Sequence[str] = ()) -> Result:
    names = ("output", "dropped", "counts")
    outputs = [f"--{name}={folder / 'results' / name}.json" for name in names]
    assert prepare_raw_data.main(["--input", *map(str, inputs), *outputs, *options]) == 0
    output, dropped, counts = ((folder / "results" / f"{name}.json").read_bytes() for name in names)
    told = without_reads(json.loads(counts))  # other forms of the same rows take other bytes
    return Result(parse_lines(output), parse_lines(dropped), told, output)


def parse_lines(data: bytes) -> list[Row]:
    return [json.loads(line) for line in data.splitlines()]


def fail(folder: Path, *inputs: Path, options: Sequence[str] = ()) -> UserError:
    """Run, expect a UserError with a remedy and no trace of an output, and return the error."""
    with pytest.raises(UserError) as caught:
        run(folder, *inputs, options=options)
    assert caught.value.remedy
    assert not list(folder.glob("results/*"))
    return caught.value


def test_a_thread_becomes_a_row(tmp_path: Path) -> None:
    raw = thread("Find x.", "[quote]Find x.[/quote]\nIt is 3.", "Thanks!")
    result = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", [raw]))
    assert result.rows == [
        {
            "id": thread_id("Find x.", raw["original_answers"]),
            "forum_post": "Find x.",
            "forum_discussions": "Post 1:\nIt is 3.\n\nPost 2:\nThanks!",
        }
    ]
    assert result.counts == {
        "stage": "prepare_raw_data", "read": 1, "passed": 1, "written": 1, "dropped": {},
        "tokens_counted_by": "utf8_bytes",
        "posts_kept": 2, "posts_empty": 0, "posts_left_out": 0, "threads_shortened": 0,
    }  # fmt: skip


def test_the_first_post_stays_as_it_is_but_for_nul_characters(tmp_path: Path) -> None:
    result = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", [thread(" [quote]Find x.[/quote]\r\nHow?\0 ", "a\0b")]))
    assert result.rows[0]["forum_post"] == " [quote]Find x.[/quote]\r\nHow? "
    assert result.rows[0]["forum_discussions"] == "Post 1:\nab"


def test_source_fields_that_are_text_or_numbers_are_kept_and_no_others(tmp_path: Path) -> None:
    raw = thread("q", source_url="http", source=7, source_score=0.5, source_list=[1], source_null=None, other="x")
    row = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", [raw])).rows[0]
    assert {name: row[name] for name in row if name not in ("id", "forum_post", "forum_discussions")} == {
        "source": 7, "source_score": 0.5, "source_url": "http",
    }  # fmt: skip


def test_null_answers_stand_for_none(tmp_path: Path) -> None:
    rows = [thread("a") | {"original_answers": None}, thread("b") | {"original_answers": [None, "x"]}]
    result = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows))
    assert [row["forum_discussions"] for row in result.rows] == ["", "Post 1:\nx"]


def test_the_limit_counts_tokens_with_a_tokenizer_and_bytes_without(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "in.jsonl", [thread("q", "the sum of the sides " * 10, "Yes.")])
    limit = "--max-discussion-tokens=120"
    tokenizer = f"--tokenizer={save_tokenizer(tmp_path / 'tokenizer.json')}"
    by_bytes, by_tokens = run(tmp_path, file, options=[limit]), run(tmp_path, file, options=[limit, tokenizer])
    assert by_bytes.rows[0]["forum_discussions"] == ""
    assert by_tokens.rows[0]["forum_discussions"].endswith("Post 2:\nYes.")
    assert (by_bytes.counts["threads_shortened"], by_bytes.counts["posts_left_out"]) == (1, 2)
    assert (by_tokens.counts["tokens_counted_by"], by_tokens.counts["posts_left_out"]) == ("tokenizer", 0)


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


def test_one_and_two_processes_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_raw_data, "_POOL_BYTES", 0)
    monkeypatch.setattr("omr.threads.files._CHUNK_BYTES", 4000)
    rows = many_threads(500) + many_threads(3) + [thread(" ")]
    file = write_jsonl(tmp_path / "in.jsonl", rows)
    tokenizer = f"--tokenizer={save_tokenizer(tmp_path / 'tokenizer.json')}"
    results = [
        run(tmp_path, file, options=[tokenizer, "--max-discussion-tokens=20", f"--workers={workers}"])
        for workers in (1, 2)
    ]
    assert results[0] == results[1]
    assert results[0].counts["dropped"] == {"duplicate_thread": 3, "empty_post": 1}


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


def test_a_dropped_row_of_a_csv_file_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('original_question,original_answers\n"two\nlines",a\n" ",b\nc,d\n')
    found = run(tmp_path, tmp_path / "in.csv", options=["--max-bad-fraction=1"])
    assert [(row["reason"], row["line"]) for row in found.dropped] == [("empty_post", 4)]


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


def test_a_duplicate_is_dropped_and_points_to_the_thread_that_stays(tmp_path: Path) -> None:
    rows = [thread("a", "b"), thread("c"), thread("a", "b", source="elsewhere")]
    result = run(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows))
    assert [row["forum_post"] for row in result.rows] == ["a", "c"]
    assert [(row["id"], row["reason"], row["line"]) for row in result.dropped] == [
        (result.rows[0]["id"], "duplicate_thread", 3)
    ]


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


threads = st.builds(
    lambda post, answers: thread(post, *answers),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=4),
)


@given(st.lists(threads, min_size=1, max_size=20), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_shuffling_the_threads_permutes_the_rows_and_changes_none(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], shuffler: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("shuffled")
    everything = ["--max-bad-fraction=1", "--max-discussion-tokens=60"]
    first = run(folder, write_jsonl(folder / "in.jsonl", rows), options=everything)
    shuffler.shuffle(rows)
    second = run(folder, write_jsonl(folder / "in.jsonl", rows), options=everything)
    assert sorted(first.output.splitlines()) == sorted(second.output.splitlines())
    assert first.counts == second.counts
    assert len(first.rows) + len(first.dropped) == len(rows)


@given(st.lists(threads | st.just({"original_question": None, "original_answers": None}), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_json_lines_and_parquet_give_the_same(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    folder = tmp_path_factory.mktemp("formats")
    everything = ["--max-bad-fraction=1"]
    first = run(folder, write_jsonl(folder / "in.jsonl", rows), options=everything)
    second = run(folder, write_parquet(folder / "in.parquet", rows), options=everything)
    assert (first.output, first.counts) == (second.output, second.counts)


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line and line.strip()), min_size=1))
@settings(max_examples=60, deadline=None)
def test_no_line_is_lost_whatever_it_holds(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "in.jsonl").write_bytes(b"\n".join([orjson.dumps(thread("q")), *lines]))
    result = run(folder, folder / "in.jsonl", options=["--max-bad-fraction=1"])
    assert result.counts["read"] == 1 + len(lines)
    assert len(result.dropped) == len(lines)


ORIGIN_FLAGS = (
    "--source",
    "source",
    "--url",
    "meta.url",
    "--license",
    "license",
    "--author",
    "user_name",
    "--date",
    "date",
)


def origins(folder: Path) -> list[Row]:
    return [orjson.loads(line) for line in (folder / "origins.jsonl").read_bytes().splitlines()]


def test_what_the_columns_tell_of_a_thread_goes_into_light_rows(tmp_path: Path) -> None:
    rows = [
        thread("Find 1.", "a", "b", source="forum", meta={"url": "https://example.org/1"}, user_name="ann", date=2019),
        thread("Find 2.", source=["x", None, "y"], license=" ", user_name={"no": "text"}),
        thread("Find 1.", "a", "b"),
    ]
    flags = (*ORIGIN_FLAGS, "--license-of-all", "CC BY-SA", "--origins", str(tmp_path / "origins.jsonl"))
    found = run(tmp_path, write_jsonl(tmp_path / "threads.jsonl", rows), options=flags)
    first, second = (row["id"] for row in found.rows)
    assert origins(tmp_path) == [
        {"id": first, "source": "forum", "url": "https://example.org/1", "license": "CC BY-SA", "author": "ann", "date": "2019", "posts": 2},
        {"id": second, "source": "x, y", "url": None, "license": "CC BY-SA", "author": None, "date": None, "posts": 0},
    ]  # fmt: skip


def test_columns_of_the_origin_are_read_from_parquet(tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "threads.parquet", [thread("Find 1.", "a", date="2020", user_name="ann")])
    flags = ("--date", "date", "--author", "user_name", "--origins", str(tmp_path / "origins.jsonl"))
    run(tmp_path, file, options=flags)
    assert [(row["date"], row["author"]) for row in origins(tmp_path)] == [("2020", "ann")]


def test_a_column_of_the_origin_may_lack_under_its_usual_name_only(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "threads.jsonl", [thread("Find 1.")])
    run(tmp_path, file, options=("--url", "url"))
    with pytest.raises(UserError, match="no thread has 'link', which is to be the url"):
        run(tmp_path, file, options=("--url", "link"))


def test_names_mails_and_signatures_are_taken_out_and_counted_and_ids_stay(tmp_path: Path) -> None:
    rows = [
        thread(
            "Find $x$.\n--\nann_e2",
            "@ann_e2 write to me@example.org: $x=1$",
            "Bob, no",
            user_name="ann_e2",
            by=["Bob", "Bob"],
        ),
        thread("Let Bob be $2$. Find $y$.", "Bob is $2$."),
    ]
    file = write_jsonl(tmp_path / "threads.jsonl", rows)
    flags = ("--author", "user_name", "--post-authors", "by", "--origins", str(tmp_path / "origins.jsonl"))
    plain = run(tmp_path, file, options=flags)
    assert origins(tmp_path)[0]["author"] == "ann_e2"
    assert "taken_out" not in plain.counts
    found = run(tmp_path, file, options=(*flags, "--strip-names"))
    assert [row["id"] for row in found.rows] == [row["id"] for row in plain.rows]
    assert found.rows[0]["forum_post"] == "Find $x$."
    assert found.rows[0]["forum_discussions"] == "Post 1:\n[user] write to [email]: $x=1$\n\nPost 2:\n[user], no"
    assert found.rows[1] == plain.rows[1]
    assert found.counts["taken_out"] == {"names": 2, "mails": 1, "signatures": 1, "threads": 1, "names_left": 0}
    assert all("author" not in row for row in origins(tmp_path))


SITE = Path(__file__).parent / "data/stackexchange/questions.jsonl"
SITE_FLAGS = (
    "--kind", "stackexchange", "--question", "question", "--answers", "answers", "--url", "metadata.0", "--source", "metadata.1",
    "--author", "answers.*.author", "--date", "date", "--license-of-all", "CC BY-SA",
)  # fmt: skip


def test_a_stack_exchange_dump_becomes_threads_with_the_best_answer_first(tmp_path: Path) -> None:
    found = run(tmp_path, SITE, options=(*SITE_FLAGS, "--origins", str(tmp_path / "origins.jsonl")))
    assert [row["forum_post"] for row in found.rows] == [
        "A ladder of length $5$ leans against a wall; its foot is $3$ away from the wall.\n\n"
        "How high does it reach, if $0 < h$ and $h^2+3^2=5^2$?\n\nThanks!",
        "Let $A=\\begin{pmatrix}1 & 2\\\\ 3 & 4\\end{pmatrix}$ and $a_1*b_1 = a_2*b_2$. What is $\\det A$ for $x<y$?",
        "Is there a book about \\(p\\)-adic numbers?",
    ]
    assert found.rows[0]["forum_discussions"] == (
        "Post 1:\nIt is a 3-4-5 triangle:\n\n- legs $3$ and $4$,\n- hypotenuse $5$.\n\nSo $h = 4$. See here.\n\n"
        "Post 2:\nBy Pythagoras, $$h=\\sqrt{5^2-3^2}=4.$$\n\nPost 3:\nMeasure it: about `4.0`"
    )
    assert origins(tmp_path)[0] == {
        "id": found.rows[0]["id"], "source": "https://math.example.org", "url": "https://math.example.org/questions/101",
        "license": "CC BY-SA", "author": "hypotenuse_fan, slope", "date": "2019/03/04", "posts": 3,
    }  # fmt: skip


def test_a_stack_exchange_dump_in_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in SITE.read_text().splitlines()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "questions.parquet")
    packed = run(tmp_path / "a", tmp_path / "questions.parquet", options=SITE_FLAGS)
    assert packed.output == run(tmp_path / "b", SITE, options=SITE_FLAGS).output


def test_names_of_those_who_answer_are_known_from_the_dump(tmp_path: Path) -> None:
    row = {
        "question": "<p>Find $x$.</p>",
        "answers": [
            {"text": "<p>As hypotenuse_fan says.</p>", "author": "slope"},
            {"text": "<p>$x=1$</p>", "author": "hypotenuse_fan", "selected": True},
        ],
    }
    found = run(
        tmp_path,
        write_jsonl(tmp_path / "a.jsonl", [row]),
        options=("--kind", "stackexchange", "--question", "question", "--answers", "answers", "--strip-names"),
    )
    assert found.rows[0]["forum_discussions"] == "Post 1:\n$x=1$\n\nPost 2:\nAs [user] says."


def test_answers_of_another_kind_are_dropped_with_their_reason(tmp_path: Path) -> None:
    rows = [
        {"question": "Find 1.", "answers": []},
        {"question": "Find 2.", "answers": ["text"]},
        {"question": "Find 3.", "answers": [{"text": 3}]},
    ]
    flags = ("--kind", "stackexchange", "--question", "question", "--answers", "answers", "--max-bad-fraction", "1")
    found = run(tmp_path, write_jsonl(tmp_path / "a.jsonl", rows), options=flags)
    assert [row["reason"] for row in found.dropped] == ["wrong_type", "wrong_type"]
    assert len(found.rows) == 1


def test_a_motto_under_posts_of_several_threads_is_a_signature(tmp_path: Path) -> None:
    rows = [
        thread(f"Find ${number}$.\n\nNever stop counting.", "Yes.\n\nIt is done.", user_name="ann", by=[f"ben{number}"])
        for number in range(3)
    ]
    flags = ("--author", "user_name", "--post-authors", "by", "--strip-names")
    found = run(tmp_path, write_jsonl(tmp_path / "a.jsonl", rows), options=flags)
    assert [row["forum_post"] for row in found.rows] == [f"Find ${number}$." for number in range(3)]
    assert {row["forum_discussions"] for row in found.rows} == {"Post 1:\nYes.\n\nIt is done."}
    assert found.counts["taken_out"]["signatures"] == 3


def test_a_question_of_nothing_but_tags_is_dropped_as_empty(tmp_path: Path) -> None:
    rows = [{"question": "<p> </p>", "answers": []}, {"question": "<p>Find 1.</p>", "answers": None}]
    flags = ("--kind", "stackexchange", "--question", "question", "--answers", "answers", "--max-bad-fraction", "1")
    found = run(tmp_path, write_jsonl(tmp_path / "a.jsonl", rows), options=flags)
    assert ([row["reason"] for row in found.dropped], len(found.rows)) == (["empty_post"], 1)
