"""How the rows of a run are found: in the files themselves, or by an index of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from omr.files.jsonl import Row
from omr.stages.row_search import rows_about, rows_with, shard_files, shard_folders
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
    """Finds rows in the files themselves.

    What is asked about one thread after the other question (`about`) reads a file but once, however many solutions its
    problems have: files may be of many GB.
    """

    def __init__(self) -> None:
        self._thing: str | None = None
        self._known: dict[Path, list[Row]] = {}
        self._training: dict[tuple[Path, str], list[tuple[Path, Row]]] = {}

    def about(self, thing: str) -> None:
        """From now on, rows of this thread (or given problem) are asked for."""
        self._thing = thing
        self._known.clear()
        self._training.clear()

    def rows_with(self, path: Path, field: str, value: str) -> Iterator[Row]:
        thing = self._thing
        if thing is None or not (value == thing or value.startswith((f"{thing}-", f"{thing}~"))):
            yield from rows_with(path, field, value)
            return
        if path not in self._known:
            self._known[path] = rows_about(path, thing)
        yield from (row for row in self._known[path] if row.get(field) == value)

    def shard_files(self, folder: Path, sharded_by: str | None = None) -> list[Path]:
        return shard_files(folder, sharded_by)

    def training_rows(self, folder: Path, problem: str, row_id: str) -> Iterator[tuple[Path, Row]]:
        if (folder, problem) not in self._training:
            self._training[folder, problem] = [
                (shard, row)
                for shard in shard_folders(folder, problem)
                for file in row_files.files_of(shard)
                for row in row_files.rows_with(file, "problem_id", problem)
            ]
        yield from (found for found in self._training[folder, problem] if found[1]["id"] == row_id)
