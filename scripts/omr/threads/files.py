"""Raw thread files (JSON Lines, gzipped or not, and Parquet) cut into chunks of lines that worker processes can parse.

From JSON Lines a chunk holds the bytes as they are in the file: the process that reads does no more than find the line
ends. Parquet rows are turned into such lines, so that both take the same way from there, and no worker loads Arrow.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import orjson

from omr.errors import UserError
from omr.files.jsonl import open_for_reading

POST, ANSWERS = "original_question", "original_answers"
#: Columns with this prefix say where a thread comes from; they are kept.
SOURCE_PREFIX = "source"

_CHUNK_BYTES = 1 << 19
_CHUNK_ROWS = 200
_BOM = b"\xef\xbb\xbf"
_REMEDY = f"give a file whose rows have {POST} (text of the first post) and {ANSWERS} (list of texts)"


class Chunk(NamedTuple):
    """Lines of one file with a JSON object each. `first_line` is 1-based: a line in JSON Lines, a row in Parquet."""

    file: str
    first_line: int
    data: bytes


def find_inputs(paths: Sequence[str | Path]) -> list[Path]:
    """The data files that the arguments name: themselves, or those of a download's manifest (`*.json`)."""
    files: list[Path] = []
    for path in map(Path, paths):
        listed = _files_of_manifest(path) if path.suffix == ".json" else None
        files.extend([path] if listed is None else listed)
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


def read_chunks(files: Sequence[Path], limit: int | None = None) -> Iterator[Chunk]:
    """Stream the files in the order given; with `limit`, the first so many rows (blank lines are no rows).

    Raises UserError for a file that is missing, unreadable, empty, of another kind or without the columns.
    """
    left = limit
    for file in files:
        if left == 0:
            return
        rows = 0
        for chunk, count in _chunks_of(file, left):
            rows += count
            yield chunk
        if not rows:
            raise UserError("holds no rows", file=file, remedy=_REMEDY)
        left = None if left is None else left - rows


def _chunks_of(file: Path, limit: int | None) -> Iterator[tuple[Chunk, int]]:
    if file.name.endswith((".jsonl", ".jsonl.gz")):
        return _line_chunks(file, limit)
    if file.suffix == ".parquet":
        return _parquet_chunks(file, limit)
    raise UserError("neither .jsonl, .jsonl.gz nor .parquet", file=file, remedy=_REMEDY)


def _line_chunks(file: Path, limit: int | None) -> Iterator[tuple[Chunk, int]]:
    """Chunks of whole lines, each with its number of rows."""
    line, checked = 1, False
    with _open_lines(file) as handle:
        for data in _whole_lines(file, handle):
            # Some editors put a byte order mark at the start of a file.
            lines = (data.removeprefix(_BOM) if line == 1 else data).split(b"\n")
            checked = checked or _check_first_row(file, line, lines)
            taken, rows = _take_rows(lines, limit)
            yield Chunk(str(file), line, b"\n".join(lines[:taken])), rows
            limit = None if limit is None else limit - rows
            if limit == 0:
                return
            line += data.count(b"\n")


def _open_lines(file: Path) -> IO[bytes]:
    handle: IO[bytes] = open_for_reading(file)
    if file.suffix != ".gz":
        return handle
    handle.close()
    return cast(IO[bytes], gzip.open(file, "rb"))


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


def _check_first_row(file: Path, first_line: int, lines: Sequence[bytes]) -> bool:
    """Whether a readable row was found in these lines; one without the columns means that the whole file is wrong."""
    for number, line in enumerate(lines, first_line):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(row, dict):
            _check_columns(file, list(row), number)
            return True
    return False


def _check_columns(file: Path, columns: Sequence[str], line: int | None = None) -> None:
    missing = [name for name in (POST, ANSWERS) if name not in columns]
    if missing:
        raise UserError(
            f"has no {' and no '.join(missing)}; its columns are: {', '.join(map(str, columns)) or 'none'}",
            file=file,
            line=line,
            remedy=_REMEDY,
        )


def _parquet_chunks(file: Path, limit: int | None) -> Iterator[tuple[Chunk, int]]:
    open_for_reading(file).close()
    # Arrow's own allocator keeps several times the memory that it uses.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Imported here: Arrow takes longer to load than a small JSON Lines file to process.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Without pre-buffering, a column of a row group is streamed instead of held in memory as a whole.
        with pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False) as parquet:
            row = 1
            columns = _columns(file, parquet.schema_arrow)
            for batch in parquet.iter_batches(_CHUNK_ROWS, columns=columns, use_threads=False):
                batch = batch if limit is None else batch.slice(0, limit - row + 1)
                yield Chunk(str(file), row, b"\n".join(_lines_of(batch))), batch.num_rows
                row += batch.num_rows
                if limit is not None and row > limit:
                    return
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot be read as Parquet: {error}", file=file, remedy="fetch the file again") from error


def _columns(file: Path, schema: Any) -> list[str]:
    """The columns to read: those of a thread, and those that tell its source and are text or numbers."""
    from pyarrow import types

    _check_columns(file, schema.names)
    post, answers = schema.field(POST).type, schema.field(ANSWERS).type
    listed = types.is_list(answers) or types.is_large_list(answers)
    if not _is_text(post) or not (types.is_null(answers) or (listed and _is_text(answers.value_type))):
        raise UserError(
            f"{POST} is of type {post} and {ANSWERS} of type {answers}, not text and a list of texts",
            file=file,
            remedy=_REMEDY,
        )
    sources = [
        field.name
        for field in schema
        if field.name.startswith(SOURCE_PREFIX)
        and (_is_text(field.type) or types.is_integer(field.type) or types.is_floating(field.type))
    ]
    return [POST, ANSWERS, *sources]


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind))


def _lines_of(batch: Any) -> list[bytes]:
    try:
        return [orjson.dumps(row) for row in batch.to_pylist()]
    except UnicodeDecodeError:
        # Parquet does not check that its texts are UTF-8. Only the rows that are not are lost.
        if batch.num_rows > 1:
            return [line for index in range(batch.num_rows) for line in _lines_of(batch.slice(index, 1))]
        return [b"a text of this row is not valid UTF-8"]
