"""JSON Lines: strict streaming readers and writers whose files appear by rename when whole."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from omr.errors import UserError, of_file
from omr.files.bytes_read import CountedFile
from omr.files.copying import copy_bytes
from omr.files.temporary import temporary_beside

Row = dict[str, Any]
#: Field name -> type or types that its value must have (None stands for JSON's null).
Fields = Mapping[str, type | tuple[type | None, ...]]

_TYPE_NAMES = {str: "a string", int: "an integer", bool: "true or false", list: "a list", dict: "an object"}
_TYPE_NAMES[type(None)] = "null"
_MISSING = object()
_REMEDY = "delete this file and run again: the workflow makes it anew from its inputs"
#: An id of plain characters at the beginning of a row.
ID_FIRST = re.compile(rb'\{"id":"([ !#-\[\]-~]*)"')


def dumps(row: Mapping[str, Any]) -> bytes:
    """One JSON line with its newline; keys keep their order, so equal rows are equal bytes."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def missing_or_mistyped(row: Row, required: Fields) -> str | None:
    """What is wrong with a row's fields, as a phrase, or None."""
    for field, types in required.items():
        if field not in row:
            return f"the field {field!r} is missing (it has: {', '.join(map(repr, row)) or 'nothing'})"
        kinds, value = _kinds(types), row[field]
        if type(value) not in kinds:
            names = " or ".join(_TYPE_NAMES.get(kind, kind.__name__) for kind in kinds)
            return f"the field {field!r} must be {names}, not {type(value).__name__}"
    return None


def _kinds(types: type | tuple[type | None, ...]) -> tuple[type, ...]:
    """The exact types that a value may have: `bool` is a subclass of `int`, but `true` is no integer here."""
    given = types if isinstance(types, tuple) else (types,)
    return tuple(type(None) if kind is None else kind for kind in given)


def _has_fields(row: Row, fields: list[tuple[str, tuple[type, ...]]]) -> bool:
    for field, kinds in fields:  # noqa: SIM110 - twice as fast as `all` with a generator, and run for every row
        if type(row.get(field, _MISSING)) not in kinds:
            return False
    return True


def parse_row(line: bytes) -> tuple[Row | None, str | None]:
    """Parse one line into (row, None) or (None, what is wrong with it)."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return None, f"unreadable JSON ({error})"
    if not isinstance(row, dict):
        return None, f"a JSON object was expected, not {type(row).__name__}"
    return row, None


def read_rows(path: str | Path, required: Fields | None = None) -> Iterator[Row]:
    """Stream the rows of a file that this workflow wrote. Raises UserError as `numbered_rows` does."""
    return (row for _, row in numbered_rows(path, required))


def numbered_rows(
    path: str | Path, required: Fields | None = None, wanted: Callable[[str], bool] | None = None
) -> Iterator[tuple[int, Row]]:
    """Stream (line number, row) of a file that this workflow wrote; with `wanted`, rows whose `id` (then required) it
    wants.

    Rows that are not wanted are not parsed where their id stands first, as our writers put it: most of what a job
    reads belongs to others, and rows may be long.

    Raises UserError with file and line for an unreadable line, a missing field or a wrong type:
    our own files are whole by construction, so a bad line means that something else wrote there.
    """
    fields = [(field, _kinds(types)) for field, types in (required or {}).items()]
    with open_for_reading(path) as handle:
        for number, line in enumerate(handle, 1):
            if wanted is not None and (head := ID_FIRST.match(line)) is not None and not wanted(head[1].decode()):
                continue
            row, fault = parse_row(line)
            if row is None or not _has_fields(row, fields):
                raise UserError(
                    fault or missing_or_mistyped(row or {}, required or {}) or "unreadable",
                    file=path,
                    line=number,
                    remedy=_REMEDY,
                )
            if wanted is None or wanted(row["id"]):
                yield number, row


def parts_of(path: Path, size: int) -> list[tuple[Path, int, int]]:
    """A file in parts of about `size` bytes, as (path, begin, end) in bytes, at least one. A missing one is a
    UserError."""
    with open_for_reading(path) as handle:
        length = os.fstat(handle.fileno()).st_size
    return [(path, begin, min(begin + size, length)) for begin in range(0, max(length, 1), size)]


def rows_within(path: Path, begin: int, end: int, *, required: Fields) -> Iterator[Row]:
    """The rows whose lines begin within a part of a file. Raises UserError as `numbered_rows` does, with the place in
    bytes instead of the line."""
    fields = [(field, _kinds(types)) for field, types in required.items()]
    with open_for_reading(path) as handle:
        place = max(begin - 1, 0)
        handle.seek(place)
        if begin:
            place += len(handle.readline())  # of a line that began before, or the end of it
        for line in handle:
            if place >= end:
                return
            row, fault = parse_row(line)
            if row is None or not _has_fields(row, fields):
                what = fault or missing_or_mistyped(row or {}, required) or "unreadable"
                raise UserError(f"at byte {place}: {what}", file=path, remedy=_REMEDY)
            yield row
            place += len(line)


def open_for_reading(path: str | Path, buffer_bytes: int = 1 << 20) -> Any:
    """Open a file for reading bytes, which are counted (omr/files/bytes_read.py); a missing one is a UserError."""
    try:
        return io.BufferedReader(CountedFile(path), buffer_bytes)
    except FileNotFoundError:
        raise UserError("there is no such file", file=path, remedy="check the path") from None
    except OSError as error:
        raise UserError(
            f"cannot be read: {error.strerror}", file=path, remedy="check the path and its permissions"
        ) from error


class AtomicFile:
    """A file that is written beside its place and renamed into it when whole.

    As a context manager: a clean exit commits, an exception leaves no trace.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = temporary_beside(self.path)
        self._handle = self._temporary.open("wb", buffering=1 << 20)

    def write(self, data: bytes) -> None:
        try:  # no context manager: this is done for every row
            self._handle.write(data)
        except OSError as error:
            error.filename = str(self.path)
            raise

    def write_row(self, row: Mapping[str, Any]) -> None:
        """Write a row as a JSON line."""
        self.write(dumps(row))

    def write_rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            self.write(dumps(row))

    def append_lines(self, path: Path) -> None:
        """Append a whole file of lines; its bytes do not pass through this process. Raises UserError for a file that
        ends within a line, or while it is read."""
        with open_for_reading(path) as source, of_file(self.path):
            size = os.fstat(source.fileno()).st_size
            is_whole = not size or os.pread(source.fileno(), 1, size - 1) == b"\n"
            self._handle.flush()
            if not is_whole or copy_bytes(source.fileno(), self._handle.fileno(), size) < size:
                raise UserError("it ends within a line", file=path, remedy=_REMEDY)

    def commit(self) -> None:
        """Flush to the disk and rename into place."""
        with of_file(self.path):
            self._handle.flush()
            os.fsync(self._handle.fileno())
            self._handle.close()
            os.replace(self._temporary, self.path)

    def discard(self) -> None:
        """Remove what was written so far; harmless after a commit."""
        with suppress(OSError):  # closing flushes, which a full disk refuses again
            self._handle.close()
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()
