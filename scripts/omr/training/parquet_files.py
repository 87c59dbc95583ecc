"""Parquet files of about equal size, written in groups of rows, so that memory does not grow with the rows."""

from __future__ import annotations

import io
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from omr.errors import UserError
from omr.files.arrow import arrow, parquet
from omr.files.jsonl import Row

#: Bytes of text that are made a row group: enough to compress well, few enough to hold in memory several times over.
GROUP_BYTES = 16 << 20


#: Under this name a file says in its footer which rows it has: a hash of all bytes before the footer.
_DIGEST = b"rows_digest"


class _Hashed(io.BufferedWriter):
    """A file that hashes what is written to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "wb"), buffer_size=1 << 20)
        self.hash = blake2b(digest_size=16)

    def write(self, data: Any) -> int:
        self.hash.update(data)
        return super().write(data)


class TableFiles:
    """Writes tables (pyarrow.Table) of one schema to `<folder>/00000.parquet`, `00001.parquet`, ...; a table is a row
    group. `encoded` are the columns in which values come again and again."""

    def __init__(self, folder: Path, file_bytes: int, encoded: list[str] | None = None) -> None:
        self._folder = folder
        self._file_bytes = file_bytes
        self._encoded: list[str] | bool = True if encoded is None else encoded
        self._written = 0
        self._writer: Any = None
        self._file: _Hashed | None = None
        self.files: list[Path] = []

    def write(self, table: Any, size: int) -> None:
        """Write a table of about so many bytes of text; a file that holds enough is ended."""
        pq = parquet()
        if self._writer is None:
            self.files.append(self._folder / f"{len(self.files):05d}.parquet")
            # Hashes and least and greatest values of long texts cost much and serve nobody.
            statistics = self._encoded
            self._file = _Hashed(self.files[-1])
            self._writer = pq.ParquetWriter(
                self._file,
                table.schema,
                compression="zstd",
                use_dictionary=self._encoded,
                write_statistics=statistics,
            )
        self._writer.write_table(table)
        self._written += size
        if self._written >= self._file_bytes:
            self.close()

    def close(self) -> None:
        if self._writer is not None and self._file is not None:
            self._writer.add_key_value_metadata({_DIGEST: self._file.hash.hexdigest().encode()})
            self._writer.close()
            self._file.close()
        self._writer, self._file, self._written = None, None, 0


class ParquetFiles:
    """Writes rows as `train-KKKKK-of-NNNNN.parquet` to a folder.

    `schema_of` makes the schema (pyarrow.Schema) from the first row, `size_of` gives about the characters of one.
    """

    def __init__(
        self, folder: Path, shard_bytes: int, schema_of: Callable[[Row], Any], size_of: Callable[[Row], int]
    ) -> None:
        self._folder = folder
        self._group_limit = min(GROUP_BYTES, shard_bytes)
        self._schema_of = schema_of
        self._size_of = size_of
        self._schema: Any = None
        self._group: list[Row] = []
        self._group_bytes = 0
        self._files = TableFiles(folder, shard_bytes)

    def write(self, row: Row) -> None:
        self._group.append(row)
        self._group_bytes += self._size_of(row)
        if self._group_bytes >= self._group_limit:
            self._flush()

    def _flush(self) -> None:
        pa = arrow()

        if not self._group:
            return
        if self._schema is None:
            self._schema = self._schema_of(self._group[0])
        self._files.write(pa.Table.from_pylist(self._group, schema=self._schema), self._group_bytes)
        self._group, self._group_bytes = [], 0

    def close(self) -> None:
        """Write what is left; only now the number of files is known, which is part of their names."""
        self._flush()
        self._files.close()
        for number, path in enumerate(self._files.files):
            path.rename(self._folder / train_name(number, len(self._files.files)))


def train_name(number: int, of: int) -> str:
    """The name of a dataset's file, as the hub has them."""
    return f"train-{number:05d}-of-{of:05d}.parquet"


def digest_of(folder: Path) -> str:
    """A name for the rows of a folder's Parquet files: of their places in it, and of what their footers say.

    Cards hold it, since `datasets.load_dataset` takes a folder for one that it loaded before if their cards say the
    same, wherever they are and whatever is in their files. Raises UserError for a file that was not written here.
    """
    pq = parquet()
    found = blake2b(digest_size=8)
    for path in sorted(folder.rglob("*.parquet")):
        known = (pq.read_metadata(path).metadata or {}).get(_DIGEST)
        if known is None:
            remedy = "delete the recipe's sft/ and figures/ and run again: the workflow makes them anew"
            raise UserError("does not say which rows it has", file=path, remedy=remedy)
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + known)
    return found.hexdigest()
