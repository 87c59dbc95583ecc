"""Files of several source recipes: on a command line, and their rows by the problem's id."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from omr.files.jsonl import Fields, Row
from omr.stages.row_index import RowIndex


class SourceFile(NamedTuple):
    """A file of a recipe."""

    recipe: str
    path: Path


def source_file(text: str) -> SourceFile:
    """`RECIPE=FILE` of a command line. Raises argparse's own error for anything else."""
    recipe, sign, path = text.partition("=")
    if not (recipe and sign and path):
        raise argparse.ArgumentTypeError(f"RECIPE=FILE was expected, not {text!r}")
    return SourceFile(recipe, Path(path))


def add_source_files(parser: argparse.ArgumentParser, flag: str, about: str) -> None:
    """Adds a flag for files of source recipes."""
    about = f"{about} of the source recipes, every file that may hold problems of the shard"
    parser.add_argument(flag, type=source_file, nargs="+", required=True, metavar="RECIPE=FILE", help=about)


def by_recipe(files: Iterable[SourceFile]) -> dict[str, list[Path]]:
    """The files of each recipe."""
    found: dict[str, list[Path]] = {}
    for recipe, path in files:
        found.setdefault(recipe, []).append(path)
    return found


class SourceIndex:
    """Rows of several recipes by their id; texts stay on the disk. Use as a context manager."""

    def __init__(self, files: Mapping[str, list[Path]], required: Fields, wanted: Callable[[str], bool]) -> None:
        self._indexes = {recipe: RowIndex(paths, required, wanted) for recipe, paths in sorted(files.items())}

    def __len__(self) -> int:
        return sum(map(len, self._indexes.values()))

    def get(self, row_id: str) -> list[tuple[str, Row]]:
        """(recipe, row) of all rows with an id, recipe after recipe, by seed."""
        return [
            (recipe, row)
            for recipe, index in self._indexes.items()
            for row in sorted(index.get(row_id), key=lambda row: row.get("seed", 0))
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for index in self._indexes.values():
            index.close()
