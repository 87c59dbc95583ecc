"""How the rows of a run are found: in the files themselves, or by an index of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from omr.files.jsonl import Row
from omr.stages.row_search import rows_with, shard_files, shard_folders
from omr.training import row_files


class Search(Protocol):
    """Finds rows of a run by their ids."""

    def rows_with(self, path: Path, field: str, value: str) -> Iterator[Row]:
        """The rows of a file whose `field` is `value`; none of a file that is missing."""

    def shard_files(self, folder: Path, sharded_by: str | None = None) -> list[Path]:
        """The files of a folder (or `folder`.jsonl); with `sharded_by` only shards that the id falls into."""

    def training_rows(self, folder: Path, problem: str, row_id: str) -> Iterator[tuple[Path, Row]]:
        """(shard, training row) of an id; `folder` has the shards, told apart by the problem."""


class FileSearch:
    """Finds rows in the files themselves."""

    def rows_with(self, path: Path, field: str, value: str) -> Iterator[Row]:
        return rows_with(path, field, value)

    def shard_files(self, folder: Path, sharded_by: str | None = None) -> list[Path]:
        return shard_files(folder, sharded_by)

    def training_rows(self, folder: Path, problem: str, row_id: str) -> Iterator[tuple[Path, Row]]:
        for shard in shard_folders(folder, problem):
            for file in row_files.files_of(shard):
                for row in row_files.rows_with(file, "id", row_id):
                    yield shard, row
