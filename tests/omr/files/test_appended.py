"""A file that lines are appended to keeps whole lines whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from omr.files.appended import AppendedFile


def test_behind_a_line_that_the_disk_took_half_of_nothing_is_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.write, 0

    def full_once(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            return real(descriptor, data[:3])
        if calls == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    file = AppendedFile(tmp_path / "lines")
    monkeypatch.setattr(os, "write", full_once)
    file.append(b"first\n")
    with pytest.raises(OSError, match="No space left"):
        file.append(b"second\n")
    # By now there is room again, and others in the same process still append.
    with pytest.raises(OSError, match="No space left"):
        file.append(b"third\n")
    file.sync()  # what was stored before is brought to the disk all the same
    file.close()
    assert (tmp_path / "lines").read_bytes() in (b"first\n", b"first\nsec")
