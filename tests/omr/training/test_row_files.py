"""Training rows on the disk: what comes back is what was written, and nothing else can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import join_sft
import orjson
import pyarrow.parquet as pq
import pytest
import write_lines
from omr.errors import UserError
from omr.training import row_files
from omr.training.code_rows import TOOLS
from omr.training.columns import NAMES
from omr.training.row_files import read_all, rows_with
from row_shards import SHARD, whole_row, write_shard

Row = dict[str, Any]
#: Texts as models write them, and as no one should.
TEXTS = [r"\frac{1}{2} \le ≤ 🙂", "a\r\n\tb\x00\x7f\u2028", '"quoted" \\" {}', "x" * 70_000, " "]
CALL = {"type": "function", "function": {"name": "run_python", "arguments": {"code": "print(1)\n"}}}
CHAT = [
    {"role": "user", "content": "What?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "name": "run_python", "content": "1"},
    {"role": "assistant", "content": "One."},
]


def rows_of(texts: list[str]) -> list[Row]:
    return [
        whole_row(id=f"a-{n}", problem_id="a", generated_solution=text + "!", seed=n) for n, text in enumerate(texts)
    ]


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:

    rows = [*rows_of(TEXTS), whole_row(id="b", messages_with_tools=CHAT, tools=TOOLS, candidate_ids=["x", "y"])]
    assert list(read_all([write_shard(tmp_path, rows)])) == rows
    assert tuple(rows[0]) == NAMES


def test_pass_rates_of_other_recipes_come_back(tmp_path: Path) -> None:
    rows = [
        whole_row(id="a", pass_rates={"one": 0.5, "b-c": None}),
        whole_row(id="b", pass_rates={"one": 1.0, "b-c": 0.0}),
    ]
    assert list(read_all([write_shard(tmp_path, rows, measures=["one", "b-c"])])) == rows


def test_all_shards_as_one_file_have_the_rows_in_order(tmp_path: Path) -> None:
    rows = rows_of(TEXTS)
    shards = [write_shard(tmp_path, part, f"shard-{n:03d}-of-003") for n, part in enumerate((rows[:2], [], rows[2:]))]
    parts = [str(tmp_path / f"{shard.name}.jsonl") for shard in shards]
    for shard, part in zip(shards, parts, strict=True):
        assert write_lines.main(["--rows", str(shard), "--output", part]) == 0
    assert join_sft.main(["--parts", *parts, "--output", str(tmp_path / "sft.jsonl")]) == 0
    assert [orjson.loads(line) for line in (tmp_path / "sft.jsonl").read_bytes().splitlines()] == rows


def test_files_and_groups_are_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "FILE_BYTES", 60_000)
    monkeypatch.setattr(row_files, "GROUP_BYTES", 25_000)
    rows = rows_of(["x" * 10_000] * 9)
    folder = write_shard(tmp_path, rows)
    paths = sorted(folder.iterdir())
    assert [path.name for path in paths] == [f"{n:05d}.parquet" for n in range(len(paths))]
    assert [pq.ParquetFile(path).metadata.num_row_groups for path in paths] == [2, 2, 1]
    assert list(read_all([folder])) == rows


def test_a_row_is_found_by_its_id_in_groups_that_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "GROUP_BYTES", 25_000)
    rows = rows_of(["x" * 10_000] * 9)
    [file] = write_shard(tmp_path, rows).iterdir()
    assert list(rows_with(file, "id", "a-7")) == [rows[7]]
    assert list(rows_with(file, "problem_id", "a")) == rows
    assert list(rows_with(file, "id", "a-9")) == []


def test_a_shard_without_rows_is_a_folder_without_files(tmp_path: Path) -> None:
    folder = write_shard(tmp_path, [])
    assert list(folder.iterdir()) == []
    assert list(read_all([folder])) == []


def test_no_shard_is_an_error_and_no_shard_without_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no training rows"):
        list(read_all([tmp_path / "sft" / SHARD]))


def test_a_torn_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    [file] = write_shard(tmp_path, rows_of(["x"])).iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UserError, match="not readable as Parquet") as caught:
        list(read_all([file.parent]))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"messages": [{"role": "assistant", "content": "x"}]}, "there is no user message"),
        ({"messages": []}, "there is no user message"),
        ({"messages": [{"role": "user", "content": "x"}]}, "the messages are user"),
        ({"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": "x"}]}, "message is empty"),
        ({"messages": [{"role": "user"}]}, "must have `role` and `content`"),
        ({"messages": [{"role": "user", "content": None}]}, "must be strings"),
        ({"messages": ["x"]}, "must have `role` and `content`"),
        ({"pass_rate": "0.5"}, "'pass_rate' must be float"),
        ({"seed": "1"}, "'seed' must be an integer"),
        ({"candidate_ids": ["x", 1]}, "must hold strings"),
        ({"tools": []}, "go together"),
        ({"pass_rates": {"a": "much"}}, "cannot hold a value"),
        ({"completion_tokens": 2**63}, "cannot hold a value"),
        ({"problem": None}, "'problem' must be a string"),
        ({"stray": 1}, "unknown columns: stray"),
    ],
)
def test_a_row_that_is_not_as_its_columns_say_is_an_error_and_leaves_nothing(
    tmp_path: Path, change: Row, fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        write_shard(tmp_path, [whole_row(id="a"), whole_row(id="b") | change], measures=["a"])
    assert [path for path in tmp_path.rglob("*") if path.name not in ("sft", "figures")] == []


CHOICES = [
    ["generated_solution"],
    ["messages"],
    ["messages", "messages_with_tools"],
    ["generated_solution", "messages"],
]


@pytest.mark.parametrize("texts", CHOICES)
def test_each_text_stands_as_often_as_config_says_and_readers_find_it_all_the_same(
    tmp_path: Path, texts: list[str]
) -> None:
    system = [{"role": role, "content": role} for role in ("system", "user")]
    rows = [*rows_of(TEXTS), whole_row(id="b", messages_with_tools=CHAT, tools=TOOLS, problem_id="b")]
    rows.append(whole_row(id="c", messages=[*system, {"role": "assistant", "content": "x"}]))
    shard = write_shard(tmp_path, rows, text_columns=texts)
    without = {"generated_solution", "messages", "messages_with_tools"} - set(texts)
    without |= {"tools"} if "messages_with_tools" in without else set()
    [file] = shard.glob("*.parquet")
    assert not without & set(pq.read_schema(file).names)
    assert list(read_all([shard])) == [{k: v for k, v in row.items() if k not in without} for row in rows]
    # Whoever shows a row finds its text, whatever column it is in.
    [shown] = rows_with(file, "problem_id", "b")
    assert shown["generated_solution"] == rows[-2]["generated_solution"]
    assert row_files.texts_of(pq.read_table(file)).to_pylist() == [row["generated_solution"] for row in rows]
    assert row_files.texts_of(pq.read_table(file).slice(2, 2)).to_pylist() == [
        row["generated_solution"] for row in rows[2:4]
    ]
    # What is told of the rows is the same.
    whole = write_shard(tmp_path / "whole", rows)
    told = [(home / "figures" / f"{SHARD}.json").read_text() for home in (tmp_path, tmp_path / "whole")]
    assert told[0] == told[1]
    assert row_files.files_of(whole)[0].stat().st_size > file.stat().st_size
