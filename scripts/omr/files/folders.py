"""Folders that appear whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that takes the place of `path` on a clean exit; on an error `path` stays what it was.

    It is built beside its place, so that it is on the same file system. What a killed process left there is removed by
    the next one of the same output.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(path)
    built, old = _beside(path)
    built.mkdir()
    try:
        yield built
        _sync(built)
        _remove(old)
        if path.exists():
            path.rename(old)
        built.rename(path)
        _remove(old)
    finally:
        _remove(built)


def clear_leftovers(path: Path) -> None:
    """Remove what a killed process left beside a folder that was to appear at `path`."""
    for left in _beside(path):
        _remove(left)


def _beside(path: Path) -> tuple[Path, Path]:
    """Where a folder is built, and where the one that it replaces is kept until it is there."""
    return path.with_name(f".{path.name}.building"), path.with_name(f".{path.name}.old")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sync(folder: Path) -> None:
    """Flush all files to the disk: a rename may outlive a power cut that their content does not."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
