"""Folders that appear whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class AtomicFolder:
    """A folder that is filled at `built`, beside its place, and takes the place of `path` when whole.

    It is on the same file system. What a killed process left there is removed by the next one of the same output.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path)
        self.path = path
        self.built, self._old = _beside(path)
        self.built.mkdir()

    def commit(self) -> None:
        """Flush to the disk and rename into place."""
        _sync(self.built)
        _remove(self._old)
        if self.path.exists():
            self.path.rename(self._old)
        self.built.rename(self.path)
        _remove(self._old)

    def discard(self) -> None:
        """Remove what was written so far; harmless after a commit."""
        _remove(self.built)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that takes the place of `path` on a clean exit; on an error `path` stays what it was."""
    folder = AtomicFolder(path)
    try:
        yield folder.built
        folder.commit()
    finally:
        folder.discard()


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for a file, or a copy of it where the file system has no such names."""
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)


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
