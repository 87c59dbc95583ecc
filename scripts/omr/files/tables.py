"""Files of rows as people have them: JSON Lines, JSON arrays, CSV and Parquet, packed or not, in folders.

Every kind becomes lines of JSON, one object each, so that all rows are parsed, checked and refused in one way. Memory
is that of a row (of a batch, in Parquet), whatever the size of the file.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import orjson

from omr.errors import UserError
from omr.files.jsonl import open_for_reading

#: Endings of files of rows; all but Parquet may be packed.
KINDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
#: Those of them whose rows are cells, of which an empty one becomes null.
CELLS = (".csv", ".tsv")
_PACKED = (".gz", ".zst")
READABLE = (
    "JSON Lines (.jsonl, .ndjson, .json), JSON arrays (.json), CSV (.csv, .tsv), each of them also as .gz or .zst, "
    "Parquet (.parquet), or a folder of such files"
)
#: A path in a row that leads nowhere.
MISSING = object()
_BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 19
_ROWS = 200
_ARRAY = re.compile(rb"\s*\[\s*\{")
_MARKS = re.compile(rb'["\\\[\]{},]')
#: More than this in one cell is a quotation mark that nothing closes.
_MAX_CELL = 64 << 20


class Line(NamedTuple):
    """A row as JSON. `number` is 1-based: a line in JSON Lines and CSV, an element in an array, a row in Parquet."""

    number: int
    data: bytes


def kind_of(file: Path) -> str | None:
    """The ending that tells how a file is read, without that of packing; None for a file that nothing here reads."""
    name = file.name.lower()
    packed = next((ending for ending in _PACKED if name.endswith(ending)), "")
    kind = Path(name.removesuffix(packed)).suffix
    return kind if kind in KINDS and not (packed and kind == ".parquet") else None


def data_files(path: Path) -> list[Path]:
    """The file itself, or the files of rows in a folder and below, in the order of their names.

    Raises UserError if there is none; hidden files, and those that begin with `_`, are none.
    """
    if not path.is_dir():
        if not path.exists():
            raise UserError("there is no such file or folder", file=path, remedy="check the path")
        return [path]
    found = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and kind_of(file) and not any(part[0] in "._" for part in file.relative_to(path).parts)
    )
    if not found:
        raise UserError("this folder holds no file of rows", file=path, remedy=f"what can be read: {READABLE}")
    return found


def read_lines(file: Path, columns: Collection[str] | None = None) -> Iterator[Line]:
    """Stream the rows of a file; blank lines are no rows. Of Parquet, only those of `columns` that it has are read.

    Lines of JSON Lines are as they are in the file, whether they can be parsed or not. Raises UserError for a file that
    is missing, damaged, or of another kind.
    """
    kind = kind_of(file)
    if kind is None:
        raise UserError("files of this kind cannot be read", file=file, remedy=f"what can be: {READABLE}")
    if kind == ".parquet":
        return _parquet_lines(file, columns)
    return _checked(file, _csv_lines if kind in CELLS else _json_lines)


def _checked(file: Path, read: Any) -> Iterator[Line]:
    """The lines of a text file, with what its packing says of damage as UserError."""
    import zlib

    with open_packed(file) as handle:
        try:
            yield from read(file, handle)
        except (EOFError, zlib.error, OSError) as error:
            raise UserError(f"cannot be read to its end: {error}", file=file, remedy="fetch the file again") from error


def open_packed(file: Path) -> IO[bytes]:
    """Open a file, unpacked by its ending. Raises UserError if it is missing."""
    handle: IO[bytes] = open_for_reading(file)
    name = file.name.lower()
    if not name.endswith(_PACKED):
        return handle
    handle.close()
    if name.endswith(".gz"):
        import gzip

        return cast(IO[bytes], gzip.open(file, "rb"))
    # Arrow, which reads Parquet, knows this packing as well.
    import pyarrow

    return cast(IO[bytes], io.BufferedReader(pyarrow.CompressedInputStream(pyarrow.OSFile(str(file)), "zstd")))


def _plain_lines(file: Path, handle: IO[bytes]) -> Iterator[Line]:
    for number, line in enumerate(handle, 1):
        # Some editors put a byte order mark at the start of a file.
        line = line.removeprefix(_BOM) if number == 1 else line
        if line and not line.isspace():
            yield Line(number, line.rstrip(b"\r\n"))


def is_array(start: bytes) -> bool:
    """Whether a file that begins so is a JSON array of rows, whatever it is called."""
    return _ARRAY.match(start.removeprefix(_BOM)) is not None


def _json_lines(file: Path, handle: IO[bytes]) -> Iterator[Line]:
    """An array of rows, or JSON Lines; hubs and people give either of them the other's name."""
    start = handle.read(_BLOCK).removeprefix(_BOM)
    named_array = kind_of(file) == ".json" and start.lstrip()[:1] == b"["
    if not named_array and not is_array(start):
        if kind_of(file) == ".json" and start.lstrip().partition(b"\n")[0].strip() == b"{":
            what = "holds one JSON object over several lines, not rows"
            raise UserError(what, file=file, remedy="give an array of rows, [{...}, {...}], or a row per line")
        yield from _plain_lines(file, cast(IO[bytes], _Joined(start, handle)))
        return
    for number, element in enumerate(_elements(file, start, handle), 1):
        # In one line, whatever it looks like; what cannot be parsed is refused where all rows are.
        yield Line(number, element.replace(b"\n", b" ").replace(b"\r", b" "))


class _Joined:
    """Lines of a file whose beginning was read already."""

    def __init__(self, start: bytes, handle: IO[bytes]) -> None:
        self._start = start if start.endswith(b"\n") else start + handle.readline()
        self._handle = handle

    def __iter__(self) -> Iterator[bytes]:
        yield from io.BytesIO(self._start)
        yield from self._handle


def _elements(file: Path, data: bytes, handle: IO[bytes]) -> Iterator[bytes]:
    """The bytes of each element of a JSON array; takes time linear in the size of the file."""
    position = data.index(b"[") + 1
    start, depth, in_text = position, 1, False
    while True:
        match = _MARKS.search(data, position)
        if match is None or (match[0] == b"\\" and match.end() == len(data)):
            # The rest of what was read belongs to an element that goes on.
            kept = len(data) if match is None else match.start()
            more = handle.read(max(_BLOCK, kept - start))
            if not more:
                raise UserError("the JSON array has no end", file=file, remedy="fetch the file again, or mend it")
            data, position, start = data[start:] + more, kept - start, 0
            continue
        position = match.end()
        mark = match[0]
        if in_text:
            position += mark == b"\\"
            in_text = mark != b'"'
        elif mark == b'"':
            in_text = True
        elif mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        if not in_text and ((mark == b"," and depth == 1) or depth == 0):
            if element := data[start : match.start()].strip():
                yield element
            start = position
        if depth == 0:
            break
    if (data[position:] + handle.read(_BLOCK)).strip():
        raise UserError("something follows the JSON array", file=file, remedy="mend the file: one array, or JSON Lines")


def _csv_lines(file: Path, handle: IO[bytes]) -> Iterator[Line]:
    """Rows of a CSV file by the names of its first line; an empty cell is null."""
    csv.field_size_limit(_MAX_CELL)
    text = io.TextIOWrapper(handle, encoding="utf-8-sig", newline="")
    reader = csv.reader([])
    names: list[str] = []
    try:
        first = text.readline()
        # Some spreadsheets write semicolons where others write commas.
        delimiter = "\t" if kind_of(file) == ".tsv" else max(",;\t", key=first.count)
        reader = csv.reader(chain([first], text), strict=True, delimiter=delimiter)
        for cells in reader:
            if not names:
                names = _column_names(file, cells)
            elif len(cells) == len(names):
                yield Line(reader.line_num, orjson.dumps({k: v or None for k, v in zip(names, cells, strict=True)}))
            elif cells:
                raise UserError(
                    f"this row has {len(cells)} cells, the first line names {len(names)} columns",
                    file=file,
                    line=reader.line_num,
                    remedy="mend the row: cells with commas, quotation marks or line ends need quotation marks",
                )
    except csv.Error as error:
        # The reader has counted the line in which it fails.
        remedy = "mend the row: a cell with quotation marks stands in quotation marks, those inside it are doubled"
        raise UserError(f"not valid CSV: {error}", file=file, line=reader.line_num, remedy=remedy) from error
    except UnicodeDecodeError as error:
        # A block is decoded before the reader gets its lines.
        line = reader.line_num + 1 + error.object.count(b"\n", 0, error.start)
        what = f"not text in UTF-8: the byte {error.object[error.start]:#x} is none"
        raise UserError(what, file=file, line=line, remedy="save the file as UTF-8") from error


def _column_names(file: Path, cells: Sequence[str]) -> list[str]:
    if len(set(cells)) < len(cells) or not all(map(str.strip, cells)):
        what = f"the first line must name each column once; it has: {', '.join(map(repr, cells)) or 'nothing'}"
        raise UserError(what, file=file, line=1, remedy="give every column a name of its own")
    return list(cells)


def _parquet_lines(file: Path, columns: Collection[str] | None) -> Iterator[Line]:
    open_for_reading(file).close()
    # Arrow's own allocator keeps several times the memory that it uses.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Without pre-buffering, a column of a row group is streamed instead of held in memory as a whole.
        with pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False) as parquet:
            names = parquet.schema_arrow.names
            wanted = None if columns is None else [name for name in names if name in columns]
            number = 0
            for batch in parquet.iter_batches(_ROWS, columns=wanted, use_threads=False):
                for data in batch_lines(batch):
                    number += 1
                    yield Line(number, data)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot be read as Parquet: {error}", file=file, remedy="fetch the file again") from error


def batch_lines(batch: Any) -> list[bytes]:
    """The rows of an Arrow batch, each as a line of JSON."""
    try:
        return [orjson.dumps(row, default=_decimal) for row in batch.to_pylist()]
    except (UnicodeDecodeError, TypeError) as error:
        # Parquet does not check that its texts are UTF-8, and holds bytes too. Only the rows that do are lost.
        if batch.num_rows > 1:
            return [line for index in range(batch.num_rows) for line in batch_lines(batch.slice(index, 1))]
        what = "a text is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        return [f"this row cannot be written as JSON: {what}".encode()]


def _decimal(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError


def value_at(row: Any, path: str) -> Any:
    """The value of a column, or of one inside it: `metadata.source`, `messages.0.content`, `posts.*.body` (a list
    of what each element has there, null where it has none); MISSING if there is none.

    A column whose own name has dots goes first. A text that is a JSON object or list (a cell of a CSV file) can be
    entered like one.
    """
    if isinstance(row, dict) and path in row:
        return row[path]
    head, dot, rest = path.partition(".")
    if head == "*" and isinstance(row, list):
        values = [value_at(_opened(element), rest) if dot else element for element in row]
        return [None if value is MISSING else value for value in values]
    while dot:
        inner = _entered(row, head)
        if inner is not MISSING:
            return value_at(_opened(inner), rest)
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return _entered(row, head)


def _entered(place: Any, name: str) -> Any:
    if isinstance(place, dict):
        return place.get(name, MISSING)
    if isinstance(place, list) and name.isdecimal() and int(name) < len(place):
        return place[int(name)]
    return MISSING


def _opened(value: Any) -> Any:
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def top_columns(paths: Collection[str]) -> set[str]:
    """The columns that must be read for paths into them: every beginning of a path that may be a column's name."""
    found = set()
    for path in paths:
        parts = path.split(".")
        found |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return found
