"""Files joined by the kernel: whichever way of copying a system has, the bytes are the same, or nothing is there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import join_sft
import pytest
from omr.errors import UserError
from omr.files import copying
from omr.files.jsonl import AtomicFile

PARTS = [b'{"id":"a"}\n' * 3, b"", b"x" * 3_000_000 + b"\n", "≤\n".encode()]


def files(folder: Path) -> list[Path]:
    paths = [folder / f"part-{number}" for number in range(len(PARTS))]
    for path, content in zip(paths, PARTS, strict=True):
        path.write_bytes(content)
    return paths


def join(folder: Path) -> bytes:
    paths = map(str, files(folder))
    assert join_sft.main(["--parts", *paths, "--output", str(folder / "whole")]) == 0
    return (folder / "whole").read_bytes()


def refusing(number: int) -> Callable[..., int]:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return refuse


def test_parts_are_joined_in_order(tmp_path: Path) -> None:
    assert join(tmp_path) == b"".join(PARTS)


def test_a_system_that_copies_a_little_at_a_time_ends_with_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_AT_ONCE", 70_001)
    assert join(tmp_path) == b"".join(PARTS)


@pytest.mark.parametrize("fault", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, None])
@pytest.mark.parametrize("names", [["copy_file_range"], ["copy_file_range", "sendfile"]])
def test_what_a_file_system_cannot_copy_is_copied_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], fault: int | None
) -> None:
    for name in names:  # some refuse, some say that there is nothing
        monkeypatch.setattr(os, name, (lambda *_: 0) if fault is None else refusing(fault))
    assert join(tmp_path) == b"".join(PARTS)


def test_a_way_that_stops_half_way_is_gone_on_with_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = iter([5])

    def once(source: int, target: int, size: int) -> int:
        number = next(copied, 0)
        return os.write(target, os.read(source, number))

    monkeypatch.setattr(os, "copy_file_range", once)
    assert join(tmp_path) == b"".join(PARTS)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = files(tmp_path)
    for name in ("copy_file_range", "sendfile", "write"):
        monkeypatch.setattr(os, name, refusing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left") as caught, AtomicFile(tmp_path / "whole") as file:
        file.append_lines(paths[0])
    assert caught.value.filename == str(tmp_path / "whole")
    assert not list(tmp_path.glob("*whole*"))


@pytest.mark.parametrize("torn", [b'{"id":"a"', b'{"id":"a"}\n{'])
def test_a_part_that_ends_within_a_line_is_refused(tmp_path: Path, torn: bytes) -> None:
    (tmp_path / "torn").write_bytes(torn)
    with pytest.raises(UserError, match="ends within a line"):
        join_sft.main(["--parts", str(tmp_path / "torn"), "--output", str(tmp_path / "whole")])
    assert not list(tmp_path.glob("*whole*"))


def test_a_missing_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        join_sft.main(["--parts", str(tmp_path / "nothing"), "--output", str(tmp_path / "whole")])
    assert not list(tmp_path.glob("*whole*"))


def test_lines_that_were_written_before_stay_before(tmp_path: Path) -> None:
    paths = files(tmp_path)
    with AtomicFile(tmp_path / "whole") as file:
        file.write(b"first\n")
        file.append_lines(paths[0])
        file.write(b"last\n")
    assert (tmp_path / "whole").read_bytes() == b"first\n" + PARTS[0] + b"last\n"
