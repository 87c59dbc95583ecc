"""Raw thread files of any kind (see omr/files/tables.py) cut into chunks of lines that worker processes can parse.

From JSON Lines a chunk holds the bytes as they are in the file: the process that reads does no more than find the line
ends. Rows of other kinds are turned into such lines, so that all take the same way from there, and no worker loads
Arrow.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from omr.errors import UserError
from omr.files.jsonl import open_for_reading
from omr.files.tables import (
    MISSING,
    READABLE,
    Line,
    data_files,
    is_array,
    kind_of,
    open_packed,
    read_lines,
    top_columns,
    value_at,
)

POST, ANSWERS = "original_question", "original_answers"
#: Columns with this prefix say where a thread comes from; they are kept.
SOURCE_PREFIX = "source"

_CHUNK_BYTES = 1 << 19
_CHUNK_ROWS = 200
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class ThreadColumns:
    """Which columns, or paths into columns, hold the first post of a thread and the posts that follow.

    `origins` are pairs of one of `ORIGINS` and its path; `post_authors` are the authors of the posts that follow.
    """

    post: str = POST
    answers: str = ANSWERS
    origins: tuple[tuple[str, str], ...] = ()
    post_authors: str | None = None

    @property
    def required(self) -> tuple[str, str]:
        """Those that every row must have."""
        return self.post, self.answers

    @property
    def all(self) -> list[str]:
        """All paths."""
        further = [path for _, path in self.origins]
        return [*self.required, *further, *([] if self.post_authors is None else [self.post_authors])]

    @property
    def remedy(self) -> str:
        """What to do about a file that has them not."""
        return (
            f"give a file whose rows have {self.post} (text of the first post) and {self.answers} (list of texts), or "
            "name its columns under `raw_data.columns` in config"
        )


#: Those of the published threads.
THREAD_COLUMNS = ThreadColumns()


class Chunk(NamedTuple):
    """Lines of one file with a JSON object each. `first_line` is 1-based: a line in JSON Lines, a row in Parquet."""

    file: str
    first_line: int
    data: bytes


def find_inputs(paths: Sequence[str | Path]) -> list[Path]:
    """The data files that the arguments name: themselves, those of a folder, or those of a download's manifest
    (`*.json`)."""
    files: list[Path] = []
    for path in map(Path, paths):
        listed = _files_of_manifest(path) if path.suffix == ".json" else None
        files.extend((data_files(path) if path.is_dir() else [path]) if listed is None else listed)
    return files


def _files_of_manifest(path: Path) -> list[Path] | None:
    """The files that a manifest lists; None for a file that is none, but may hold rows."""
    with open_for_reading(path) as handle:
        if not (start := handle.read(_CHUNK_BYTES)).lstrip().startswith(b"{"):
            return None
        # A file of rows has one a line, and is not read to its end here.
        content = start if len(start) < _CHUNK_BYTES or not _is_row(start) else b""
        content += handle.read() if content else b""
    try:
        return [path.parent / file["path"] for file in orjson.loads(content)["files"]]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _is_row(start: bytes) -> bool:
    """Whether the first line is a JSON object by itself."""
    try:
        return isinstance(orjson.loads(start.partition(b"\n")[0]), dict)
    except orjson.JSONDecodeError:
        return False


def read_chunks(
    files: Sequence[Path], limit: int | None = None, columns: ThreadColumns = THREAD_COLUMNS
) -> Iterator[Chunk]:
    """Stream the files in the order given; with `limit`, the first so many rows (blank lines are no rows).

    Raises UserError for a file that is missing, unreadable, empty, of another kind or without the columns.
    """
    left = limit
    for file in files:
        if left == 0:
            return
        rows = 0
        for chunk, count in _chunks_of(file, left, columns):
            rows += count
            yield chunk
        if not rows:
            raise UserError("holds no rows", file=file, remedy=columns.remedy)
        left = None if left is None else left - rows


def _chunks_of(file: Path, limit: int | None, columns: ThreadColumns) -> Iterator[tuple[Chunk, int]]:
    kind = kind_of(file)
    if kind is None:
        raise UserError("files of this kind cannot be read", file=file, remedy=f"what can be: {READABLE}")
    if kind in (".jsonl", ".ndjson") and not _is_array(file):
        return _line_chunks(file, limit, columns)
    if kind == ".parquet":
        return _table_chunks(file, read_lines(file, _parquet_columns(file, columns)), limit, columns)
    lines = read_lines(file)
    if kind in (".csv", ".tsv"):
        lines = (Line(line.number, _with_list(line.data, columns.answers)) for line in lines)
    return _table_chunks(file, lines, limit, columns)


def _is_array(file: Path) -> bool:
    with open_packed(file) as handle:
        try:
            return is_array(handle.read(1 << 12))
        except (EOFError, zlib.error, OSError):
            return False  # the reader of its lines says what is wrong with it


def _with_list(data: bytes, answers: str) -> bytes:
    """A row of a CSV file, which knows no lists: its posts are a JSON list in a cell, else the cell is one post."""
    row = orjson.loads(data)
    cell = row.get(answers)
    if isinstance(cell, str):
        try:
            posts = orjson.loads(cell)
        except orjson.JSONDecodeError:
            posts = None
        row[answers] = posts if isinstance(posts, list) else [cell]
    return orjson.dumps(row)


def _table_chunks(
    file: Path, lines: Iterator[Line], limit: int | None, columns: ThreadColumns
) -> Iterator[tuple[Chunk, int]]:
    """Chunks of rows that a reader has made lines of; blank lines stand for numbers that no row has."""
    checked, rows = False, islice(lines, limit)
    while batch := list(islice(rows, _CHUNK_ROWS)):
        parts, number = [], batch[0].number
        for line in batch:
            parts += [b""] * (line.number - number)
            parts.append(line.data)
            number = line.number + 1
        checked = checked or _check_first_row(file, batch[0].number, parts, columns)
        yield Chunk(str(file), batch[0].number, b"\n".join(parts)), len(batch)


def _line_chunks(file: Path, limit: int | None, columns: ThreadColumns) -> Iterator[tuple[Chunk, int]]:
    """Chunks of whole lines, each with its number of rows."""
    line, checked = 1, False
    with open_packed(file) as handle:
        for data in _whole_lines(file, handle):
            # Some editors put a byte order mark at the start of a file.
            lines = (data.removeprefix(_BOM) if line == 1 else data).split(b"\n")
            checked = checked or _check_first_row(file, line, lines, columns)
            taken, rows = _take_rows(lines, limit)
            yield Chunk(str(file), line, b"\n".join(lines[:taken])), rows
            limit = None if limit is None else limit - rows
            if limit == 0:
                return
            line += data.count(b"\n")


def _whole_lines(file: Path, handle: IO[bytes]) -> Iterator[bytes]:
    try:
        while data := handle.read(_CHUNK_BYTES):
            yield data if data.endswith(b"\n") else data + handle.readline()
    except (EOFError, zlib.error, OSError) as error:
        raise UserError(f"cannot be read to its end: {error}", file=file, remedy="fetch the file again") from error


def _take_rows(lines: Sequence[bytes], limit: int | None) -> tuple[int, int]:
    """How many of these lines hold the first `limit` rows, and how many rows those are; blank lines are no rows."""
    filled = [position for position, line in enumerate(lines, 1) if line and not line.isspace()]
    if limit is None or len(filled) < limit:
        return len(lines), len(filled)
    return filled[limit - 1], limit


def _check_first_row(file: Path, first_line: int, lines: Sequence[bytes], columns: ThreadColumns) -> bool:
    """Whether a readable row was found in these lines; one without the columns means that the whole file is wrong."""
    for number, line in enumerate(lines, first_line):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(row, dict):
            missing = [path for path in columns.required if value_at(row, path) is MISSING]
            _check_columns(file, missing, list(row), columns, number)
            return True
    return False


def _check_columns(
    file: Path, missing: Sequence[str], there: Sequence[str], columns: ThreadColumns, line: int | None = None
) -> None:
    if missing:
        what = f"has no {' and no '.join(missing)}; its columns are: {', '.join(map(str, there)) or 'none'}"
        raise UserError(what, file=file, line=line, remedy=columns.remedy)


def _parquet_columns(file: Path, columns: ThreadColumns) -> set[str]:
    """The columns to read: those of a thread, and those that tell its source and are text or numbers."""
    open_for_reading(file).close()
    # Imported here: Arrow takes longer to load than a small JSON Lines file to process.
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import types

    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot be read as Parquet: {error}", file=file, remedy="fetch the file again") from error
    missing = [path for path in columns.required if not top_columns([path]) & set(schema.names)]
    _check_columns(file, missing, schema.names, columns)
    if columns.required == THREAD_COLUMNS.required:
        _check_types(file, schema)
    sources = {
        field.name
        for field in schema
        if field.name.startswith(SOURCE_PREFIX)
        and (_is_text(field.type) or types.is_integer(field.type) or types.is_floating(field.type))
    }
    return sources | top_columns(columns.all)


def _check_types(file: Path, schema: Any) -> None:
    from pyarrow import types

    post, answers = schema.field(POST).type, schema.field(ANSWERS).type
    listed = types.is_list(answers) or types.is_large_list(answers)
    if not _is_text(post) or not (types.is_null(answers) or (listed and _is_text(answers.value_type))):
        what = f"{POST} is of type {post} and {ANSWERS} of type {answers}, not text and a list of texts"
        raise UserError(what, file=file, remedy=THREAD_COLUMNS.remedy)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind))
