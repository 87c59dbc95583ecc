"""Training rows as Parquet files: written by the job of their shard, linked into datasets, read back by their ids.

A shard's rows are a folder, `{recipe}/sft/shard-KKK-of-NNN/`, with `00000.parquet`, `00001.parquet`, ... of bounded
size (none where there are no rows) and the columns of omr/training/columns.py; `pass_rates` is there where a run names
recipes for it, and of the columns with whole texts those that config names. The folder and the figures of its rows
appear when they are whole.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from omr.errors import UserError
from omr.files import bytes_read
from omr.files.arrow import arrow, compute, parquet
from omr.files.folders import AtomicFolder
from omr.files.jsonl import AtomicFile, Row
from omr.training.columns import COLUMNS, NAMES, TEXT_COLUMNS, arrow_schema, fault_of_row
from omr.training.figures import COUNTED, THINK_TAG, Figures
from omr.training.parquet_files import GROUP_BYTES, TableFiles

#: Bytes of text of a file, before compression: the hub and its loaders like several files of some 100 MB.
FILE_BYTES = 1 << 30
#: Columns that hold long texts, or another value in every row.
_DIFFERENT = frozenset(
    {
        "problem", "generated_solution", "messages", "messages_with_tools", "id", "reply_key", "original_problem",
        "candidate_ids",
    }
)  # fmt: skip
ENCODED = [column.name for column in COLUMNS if column.name not in _DIFFERENT and column.type in (str, int, bool)]
#: What figures are counted from, besides the text.
_OF_FIGURES = [*COUNTED, "id", "problem_id", "pass_rate", "completion_tokens"]
_REMEDY = "delete this folder and run again: the workflow makes it anew"
#: Rows that are read at once: few enough to hold, whatever is in them.
_BATCH_ROWS = 256


def add_figures(parser: argparse.ArgumentParser) -> None:
    """Adds `--figures`; `--output` of such a stage is a folder."""
    parser.add_argument("--figures", type=Path, required=True, metavar="FILE", help="figures of the rows (JSON)")


def add_text_columns(parser: argparse.ArgumentParser) -> None:
    """Adds `--text-columns`."""
    about = "columns of the rows that hold the whole text of a solution (default: all of them)"
    parser.add_argument("--text-columns", nargs="+", choices=TEXT_COLUMNS, default=TEXT_COLUMNS, help=about)


class _Part:
    """Tables on their way to the files of one folder."""

    def __init__(self, files: TableFiles) -> None:
        self.files = files
        self._tables: list[Any] = []
        self._bytes = 0

    def add(self, table: Any, size: int) -> None:
        self._tables.append(table)
        self._bytes += size
        if self._bytes >= GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        pa = arrow()

        if self._tables:
            self.files.write(pa.concat_tables(self._tables).combine_chunks(), self._bytes)
        self._tables, self._bytes = [], 0

    def close(self) -> None:
        self._write()
        self.files.close()


class RowFiles:
    """Takes training rows and counts their figures; an `omr.stages.stage.Output`.

    `measures` are the recipes in `pass_rates`, `text_columns` those of the columns of whole texts that are written.
    `path` is the shard's folder, `figures_path` the file of its figures.
    """

    def __init__(
        self,
        path: Path,
        figures_path: Path,
        measures: Sequence[str] = (),
        text_columns: Collection[str] = TEXT_COLUMNS,
    ) -> None:
        self.path = path
        self.figures = Figures()
        self._schema = arrow_schema(measures, text_columns)
        self._copies = len({"generated_solution", "messages"} & set(text_columns))
        self._folder = AtomicFolder(path)
        self._figures_file = AtomicFile(figures_path)
        self._parts: dict[str, _Part] = {}
        self._group: list[Mapping[str, Any]] = []
        self._group_bytes = 0

    def write_row(self, row: Mapping[str, Any]) -> None:
        """Add a row. Raises UserError for one that is not as its columns say."""
        fault = fault_of_row(row)
        if fault is not None:
            raise UserError(f"the row {row.get('id')!r}: {fault}", file=self.path, remedy=_REMEDY)
        text = row["generated_solution"]
        self.figures.add(row, len(text), text.startswith(THINK_TAG), lambda: row)
        self._group.append(row)
        self._group_bytes += 500 + len(row["problem"]) + self._copies * len(text)
        if self._group_bytes >= GROUP_BYTES:
            self._flush()

    def write_table(self, table: Any, parts: Sequence[str] = ()) -> None:
        """Add rows that are a table already, as `open_rows` gives them: their texts are not looked at.

        `parts` says of every row in which folder of the shard's its file is; without it all are in the shard's own.
        """
        pa = arrow()
        pc = compute()
        texts = texts_of(table)
        lengths, reasoned = pc.utf8_length(texts).to_pylist(), pc.starts_with(texts, THINK_TAG).to_pylist()
        for number, row in enumerate(table.select(_OF_FIGURES).to_pylist()):
            self.figures.add(row, lengths[number], reasoned[number], partial(_row_at, table, number))
        for name in dict.fromkeys(parts) or [""]:
            mine = table.filter(pa.array([part == name for part in parts])) if parts else table
            self._part(name).add(mine, mine.nbytes)

    def _part(self, name: str) -> _Part:
        if name not in self._parts:
            folder = self._folder.built / name
            folder.mkdir(exist_ok=True)
            self._parts[name] = _Part(TableFiles(folder, FILE_BYTES, ENCODED))
        return self._parts[name]

    def _flush(self) -> None:
        if self._group:
            self._part("").add(table_of(self._group, self._schema), self._group_bytes)
        self._group, self._group_bytes = [], 0

    def commit(self) -> None:
        """Both appear; the figures last, since what reads them takes the rows for granted."""
        self._flush()
        for part in self._parts.values():
            part.close()
        self._folder.commit()
        self._figures_file.write(
            orjson.dumps(self.figures.as_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
        self._figures_file.commit()

    def discard(self) -> None:
        for part in self._parts.values():
            part.files.close()
        self._folder.discard()
        self._figures_file.discard()


# ---- rows as tables --------------------------------------------------------------------------------------------------


def table_of(rows: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    """Rows as a table (pyarrow.Table). Raises UserError for a value that its column cannot hold."""
    pa = arrow()

    arrays = []
    for column in schema:
        values = [row[column.name] for row in rows]
        try:
            array = _chats(values, column.type) if column.name == "messages" else pa.array(values, column.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise UserError(f"the column {column.name!r} cannot hold a value: {error}", remedy=_REMEDY) from error
        if array.null_count and not column.nullable:
            raise UserError(f"the column {column.name!r} must not be null", remedy=_REMEDY)
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=schema)


def _chats(chats: Sequence[Sequence[Mapping[str, str]]], kind: Any) -> Any:
    """Chats of messages with a role and a content: ten times as fast as the general way."""
    pa = arrow()

    offsets = [0]
    for chat in chats:
        offsets.append(offsets[-1] + len(chat))
    texts = [pa.array([message[key] for chat in chats for message in chat], pa.string()) for key in ("role", "content")]
    messages = pa.StructArray.from_arrays(texts, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), messages, type=kind)


def texts_of(table: Any) -> Any:
    """The whole texts of a table's rows (an Arrow array): what `generated_solution` holds, or the last message."""
    if "generated_solution" in table.column_names:
        return table.column("generated_solution")
    chats = table.column("messages").combine_chunks()
    return chats.values.field("content").take(_before(chats.offsets[1:]))


def _before(offsets: Any) -> Any:
    pc = compute()
    return pc.subtract(offsets, 1)


def whole_rows(table: Any) -> Iterator[Row]:
    """The rows of a table as `rows_of` gives them, with `generated_solution` also where it is the last message only."""
    for row, text in zip(rows_of(table), texts_of(table), strict=True):
        yield row if "generated_solution" in row else row | {"generated_solution": text.as_py()}


def rows_of(table: Any) -> Iterator[Row]:
    """The rows of a table as they were written: without the nulls that Parquet has for a message's missing parts."""
    names = [name for name in NAMES if name in table.column_names or name == "pass_rates"]
    for row in table.to_pylist():
        row.setdefault("pass_rates", None)
        row = {name: row[name] for name in names}
        if row.get("messages_with_tools") is not None:
            row["messages_with_tools"] = [
                {key: value for key, value in message.items() if value is not None}
                for message in row["messages_with_tools"]
            ]
        yield row


def _row_at(table: Any, number: int) -> Row:
    return next(whole_rows(table.slice(number, 1)))


# ---- reading ---------------------------------------------------------------------------------------------------------


def files_of(folder: Path) -> list[Path]:
    """The Parquet files of a shard, in order, those of its parts too. Raises UserError if there is no such folder."""
    if not folder.is_dir():
        raise UserError("there are no training rows", file=folder, remedy="make them: `snakemake sft`")
    return sorted(folder.rglob("*.parquet"))


def open_rows(path: Path) -> Any:
    """A file of training rows (pyarrow.parquet.ParquetFile). Raises UserError if it is none."""
    pq = parquet()
    pa = arrow()
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"not readable as Parquet ({error})", file=path, remedy=_REMEDY) from error


def read_group(file: Any, path: Path, group: int, columns: Sequence[str] | None = None) -> Any:
    """A row group of a file that `open_rows` opened, as a table, or those of the columns that it has."""
    known = [name for name in file.schema_arrow.names if columns is None or name in columns]
    chunks = file.metadata.row_group(group)
    for place in range(chunks.num_columns):
        chunk = chunks.column(place)
        if chunk.path_in_schema.partition(".")[0] in known:
            bytes_read.count(path, chunk.total_compressed_size)
    return file.read_row_group(group, columns=None if columns is None else known, use_threads=False)


def read_all(folders: Iterable[Path]) -> Iterator[Row]:
    """Stream the rows of shards, in order."""
    for folder in folders:
        for path in files_of(folder):
            with open_rows(path) as file:
                # Not by batches of the whole file, which hold more the longer it is.
                for group in range(file.num_row_groups):
                    table = read_group(file, path, group)
                    for start in range(0, table.num_rows, _BATCH_ROWS):
                        yield from rows_of(table.slice(start, _BATCH_ROWS))


def rows_with(path: Path, column: str, value: str) -> Iterator[Row]:
    """The rows of a file whose `column` is `value`; of the others only that column is read."""
    pc = compute()
    with open_rows(path) as file:
        for group in range(file.num_row_groups):
            wanted = pc.equal(read_group(file, path, group, [column]).column(0), value)
            if pc.any(wanted).as_py():
                yield from whole_rows(read_group(file, path, group).filter(wanted))
