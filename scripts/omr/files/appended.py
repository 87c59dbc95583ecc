"""A file that one writer appends lines to, and that is brought to the disk by a thread beside it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path


class AppendedFile:
    """An open file; what is appended survives a kill of this process at once, and a crash of the machine from the next
    `sync` on.

    `sync`, `fsync` and `close` may be called by any thread and wait for each other: a slow disk holds up whoever syncs
    and nobody who appends. The system tells only once that it has lost something: the fault is kept, and raised by
    every later call, so that it is not lost with the thread that met it. Behind a line that the disk took half of,
    nothing is appended any more: at the end of a file half a line is known as such. All methods raise OSError.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        self._busy = threading.Lock()
        self._fault: OSError | None = None
        self._torn: OSError | None = None  # why the last line may be half a line

    @property
    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def append(self, line: bytes) -> None:
        """Append a line, also where the system takes it in parts: a full disk says so only at the second."""
        self._raise_fault()
        if self._torn is not None:
            raise self._torn
        try:
            written = os.write(self._fd, line)
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            self._torn = error
            raise

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        """Bring the content to the disk."""
        self._flush(os.fdatasync)

    def fsync(self) -> None:
        """Bring the content and all that the system knows of the file to the disk."""
        self._flush(os.fsync)

    def _flush(self, flush: Callable[[int], None]) -> None:
        with self._busy:
            self._raise_fault()
            if self._fd < 0:
                return  # closed, and brought to the disk by who closed it
            try:
                flush(self._fd)
            except OSError as error:
                self._fault = error
                raise

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    def close(self) -> None:
        """Later calls of `sync`, by a thread that was slow, do nothing."""
        with self._busy:
            os.close(self._fd)
            self._fd = -1
