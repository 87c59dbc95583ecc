"""Raw threads for the tests of prepare_raw_data.py: files of them, and what a run makes of these."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import prepare_raw_data
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st
from omr.errors import UserError
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


def origins(folder: Path) -> list[Row]:
    """The light rows that a run wrote to origins.jsonl of the folder."""
    return [orjson.loads(line) for line in (folder / "origins.jsonl").read_bytes().splitlines()]


#: Threads of any texts.
threads = st.builds(
    lambda post, answers: thread(post, *answers),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=4),
)
