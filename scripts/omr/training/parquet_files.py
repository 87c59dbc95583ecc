"""Parquet files of about equal size, written in groups of rows, so that memory does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from omr.files.jsonl import Row

#: Bytes of text that are made a row group: enough to compress well, few enough to hold in memory several times over.
_GROUP_BYTES = 16 << 20


class ParquetFiles:
    """Writes `train-KKKKK-of-NNNNN.parquet` to a folder.

    `schema_of` makes the schema (pyarrow.Schema) from the first row, `size_of` gives about the characters of one.
    """

    def __init__(
        self, folder: Path, shard_bytes: int, schema_of: Callable[[Row], Any], size_of: Callable[[Row], int]
    ) -> None:
        self._folder = folder
        self._shard_bytes = shard_bytes
        self._schema_of = schema_of
        self._size_of = size_of
        self._schema: Any = None
        self._group: list[Row] = []
        self._group_bytes = 0
        self._file_bytes = 0
        self._files: list[Path] = []
        self._writer: Any = None

    def write(self, row: Row) -> None:
        self._group.append(row)
        self._group_bytes += self._size_of(row)
        if self._group_bytes >= min(_GROUP_BYTES, self._shard_bytes):
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._group:
            return
        if self._schema is None:
            self._schema = self._schema_of(self._group[0])
        if self._writer is None:
            self._files.append(self._folder / f"{len(self._files)}.parquet")
            self._writer = pq.ParquetWriter(self._files[-1], self._schema, compression="zstd")
        self._writer.write_table(pa.Table.from_pylist(self._group, schema=self._schema))
        self._file_bytes += self._group_bytes
        self._group, self._group_bytes = [], 0
        if self._file_bytes >= self._shard_bytes:
            self._end_file()

    def _end_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._file_bytes = None, 0

    def close(self) -> None:
        """Write what is left; only now the number of files is known, which is part of their names."""
        self._flush()
        self._end_file()
        for number, path in enumerate(self._files):
            path.rename(self._folder / f"train-{number:05d}-of-{len(self._files):05d}.parquet")
