"""Bytes of one file at the end of another, copied by the kernel: they do not pass through this process.

Where a file system can, the copy shares the blocks of the original and takes no time at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable

#: What is asked for at once: a kill need not wait for more.
_AT_ONCE = 1 << 30
_READ = 1 << 20


def copy_bytes(source: int, target: int, size: int) -> int:
    """Copy `size` bytes between two descriptors, from where they stand. Returns how many there were, which are fewer
    where the source ends before. Raises OSError for what is no fault of a way of copying."""
    copied = 0
    for way in (_by_range, _by_sendfile, _by_reading):
        copied += _as_far_as_it_goes(way, source, target, size - copied)
        if copied == size:
            break
    return copied


def _as_far_as_it_goes(way: Callable[[int, int, int], int], source: int, target: int, size: int) -> int:
    """How many bytes a way copied. One that the system or the file system has not, or that ends early (as some do of
    files that they cannot copy), leaves the rest to the next; so does one that fails, and the next says why."""
    copied = 0
    try:
        while copied < size and (number := way(source, target, min(size - copied, _AT_ONCE))):
            copied += number
    except OSError:
        if way is _by_reading:
            raise
    return copied


def _by_range(source: int, target: int, size: int) -> int:
    return os.copy_file_range(source, target, size) if hasattr(os, "copy_file_range") else 0


def _by_sendfile(source: int, target: int, size: int) -> int:
    # From where the source stands, and on: elsewhere than on Linux to sockets only.
    return os.sendfile(target, source, None, size) if os.uname().sysname == "Linux" else 0


def _by_reading(source: int, target: int, size: int) -> int:
    data = os.read(source, min(size, _READ))
    written = 0
    while written < len(data):
        written += os.write(target, data[written:])
    return written
