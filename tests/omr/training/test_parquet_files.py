"""Files say which rows they have, and folders are told apart by it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from omr.errors import UserError
from omr.training.parquet_files import TableFiles, digest_of


def write(folder: Path, *texts: str, file_bytes: int = 1 << 30) -> Path:
    folder.mkdir(parents=True)
    files = TableFiles(folder, file_bytes)
    for text in texts:
        files.write(pa.table({"text": [text]}), len(text))
    files.close()
    return folder


def test_equal_rows_have_one_name_and_other_rows_another(tmp_path: Path) -> None:
    names = [
        digest_of(write(tmp_path / str(number), *texts, file_bytes=size))
        for number, (texts, size) in enumerate(
            [(("a", "b"), 99), (("a", "b"), 99), (("b", "a"), 99), (("a", "c"), 99), (("a",), 99), (("a", "b"), 1)]
        )
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 5


def test_the_files_are_whole_and_hold_what_was_written(tmp_path: Path) -> None:
    folder = write(tmp_path / "made", *map(str, range(100)), file_bytes=40)
    files = sorted(folder.iterdir())
    assert len(files) > 2
    assert [row for path in files for row in pq.read_table(path)["text"].to_pylist()] == [*map(str, range(100))]


def test_a_file_of_another_writer_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(UserError, match="does not say which rows it has"):
        digest_of(tmp_path)
