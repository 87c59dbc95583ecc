"""Folders that appear whole, or not at all."""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from omr.files.temporary import clear_temporary, remove_temporary, temporary_beside

#: What a rename answers where a folder with files stands.
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST}


class AtomicFolder:
    """A folder that is filled at `built`, beside its place, and takes the place of `path` when whole.

    It is on the same file system. Two processes may make the same one, each for itself: the last to commit stays. What
    killed ones left there is removed, see `clear_temporary`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_temporary([path.parent], glob.escape(path.name))
        self.path = path
        self.built = temporary_beside(path)
        self._old = temporary_beside(path.with_name(f"{path.name}.old"))
        remove_temporary(self.built)  # of a dead process with our number
        self.built.mkdir()

    def commit(self) -> None:
        """Flush to the disk and rename into place."""
        _sync(self.built)
        while not self._take_place():
            pass

    def _take_place(self) -> bool:
        """False if another process took the place while it was being cleared; on an error what stood there stays."""
        remove_temporary(self._old)
        with suppress(FileNotFoundError):
            self.path.rename(self._old)
        try:
            self.built.rename(self.path)
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            with suppress(OSError):
                self._old.rename(self.path)
            raise
        remove_temporary(self._old)
        return True

    def discard(self) -> None:
        """Remove what was written so far; harmless after a commit."""
        remove_temporary(self.built)


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
    """Remove what any process left beside a folder that was to appear at `path`: for who alone may make it now."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        if left.is_dir():
            remove_temporary(left)


def _sync(folder: Path) -> None:
    """Flush all files to the disk: a rename may outlive a power cut that their content does not."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
