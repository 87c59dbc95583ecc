"""Training rows, which are Parquet: their places are their numbers in a file, since no byte of it is a row's alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from omr.errors import UserError
from omr.files.jsonl import Row
from omr.training.row_files import open_rows, whole_rows


def ids_of(path: Path) -> Iterator[tuple[int, str, str | None]]:
    """(number, id, problem) of a file's rows, reading these columns only. Raises UserError where they are not there."""
    number = 0
    try:
        with open_rows(path) as file:
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group, columns=["id", "problem_id"]).to_pylist():
                    yield number, row["id"], row["problem_id"]
                    number += 1
    except (KeyError, ValueError, OSError) as error:
        raise UserError(f"holds no training rows: {error}", file=path) from error


def rows_from(path: Path, number: int, count: int) -> list[Row]:
    """So many rows of a file from a number on, fewer at its end; none of a file that is gone or another one by now."""
    found: list[Row] = []
    try:
        with open_rows(path) as file:
            first = 0
            for group in range(file.num_row_groups):
                after = first + file.metadata.row_group(group).num_rows
                if number < after and len(found) < count:
                    begin = max(number - first, 0)
                    found += whole_rows(file.read_row_group(group).slice(begin, count - len(found)))
                first = after
    except (UserError, KeyError, ValueError, OSError):
        return []
    return found
