"""Faults of a disk are one sentence with a remedy; faults of the program keep their traceback."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
from omr.errors import UserError, as_user_error, run_command, told_as_sentence
from omr.files.jsonl import AtomicFile
from omr.files.locks import FileLock

FULL = Path("/dev/full")


def raising(error: BaseException) -> NoReturn:
    raise error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO])
def test_a_disk_that_cannot_be_written_is_one_sentence(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(number, os.strerror(number), "rows.jsonl")
    for told in (error, ExceptionGroup("tasks", [ValueError(), ExceptionGroup("more", [error])])):
        assert run_command(lambda told=told: raising(told)) == 2  # type: ignore[misc]
        said = capsys.readouterr().err
        assert said.startswith(f"error: rows.jsonl: {os.strerror(number).lower()}\n  remedy: ")
        assert "Traceback" not in said


@pytest.mark.parametrize(
    "error", [UserError("no such thing", file="a.yaml"), PermissionError(errno.EACCES, "Permission denied", "a.yaml")]
)
def test_where_no_command_stands_above_a_fault_is_a_sentence_too(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, told_as_sentence():
        raise error
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error: a.yaml: ")
    with pytest.raises(IsADirectoryError), told_as_sentence():
        raise IsADirectoryError(errno.EISDIR, "a directory")


def test_other_errors_are_the_programs_own() -> None:
    assert as_user_error(OSError(errno.EPIPE, "broken")) is None
    with pytest.raises(IsADirectoryError):
        run_command(lambda: raising(IsADirectoryError(errno.EISDIR, "a directory")))
    with pytest.raises(ExceptionGroup):
        run_command(lambda: raising(ExceptionGroup("tasks", [ValueError()])))


def left(program: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """What is left of a process that ends with `leave`."""
    program = "import os, sys\nfrom omr.errors import leave\n" + program
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "scripts"), "PYTHONUNBUFFERED": ""}
    command = [sys.executable, "-c", program]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(command, env=environment, text=True, timeout=60, check=False, **options)


@pytest.mark.parametrize("status", [0, 2, 130])
def test_a_command_ends_with_its_status_and_all_that_it_said(status: int) -> None:
    ended = left(f"print('x' * 100_000, end='')\nprint('why', end='', file=sys.stderr)\nleave({status})")
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "x" * 100_000, "why")


def test_a_command_ends_whatever_has_become_of_its_output() -> None:
    assert left("sys.stdout.close()\nsys.stderr.close()\nleave(0)").returncode == 0
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as nobody:
        assert left("print('unread')\nleave(0)", stdout=nobody).returncode == 1
        assert left("print('unread')\nleave(2)", stdout=nobody).returncode == 2


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_output_that_the_disk_did_not_take_is_no_success() -> None:
    with FULL.open("w") as full:
        ended = left("print('lost')\nleave(0)", stdout=full)
    assert ended.returncode == 1
    assert ended.stderr == "error: what this printed could not be written: No space left on device\n"


def left_with(redirections: str, program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The same where the shell gave its streams so."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "scripts"), "PYTHONUNBUFFERED": ""}
    program = "from omr.errors import UserError, leave, run_command\n" + program
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(program)} {redirections}"
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_command_that_was_given_no_output_has_nothing_to_fail_for(closed: str, tmp_path: Path) -> None:
    assert left_with(closed, "leave(0)", tmp_path).returncode == 0


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_what_a_command_says_at_its_end_goes_to_no_file_that_took_the_place_of_its_errors(tmp_path: Path) -> None:
    program = "file = open('rows', 'w', buffering=1)\nfile.write('row\\n')\nprint('lost')\nleave(0)"
    assert left_with(">/dev/full 2>&-", program, tmp_path).returncode == 1
    assert (tmp_path / "rows").read_text() == "row\n"


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("errors", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("error", "status"), [("UserError('x')", 2), ("KeyboardInterrupt()", 130), ("BrokenPipeError()", 1)]
)
def test_a_fault_that_cannot_be_told_is_told_by_the_status_and_not_among_the_results(
    error: str, status: int, errors: str, tmp_path: Path
) -> None:
    program = f"def main():\n    print('result')\n    raise {error}\nleave(run_command(main))"
    ended = left_with(errors, program, tmp_path)
    assert (ended.returncode, ended.stdout) == (status, "result\n")


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda: raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "stopped by Ctrl-C\n"


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_disk_names_the_file_that_was_written_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omr.files.jsonl.temporary_beside", lambda path: FULL)
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: None)  # /dev/full stays
    with pytest.raises(OSError, match="No space") as caught, AtomicFile(tmp_path / "rows.jsonl") as file:
        file.write(b"x")
    assert caught.value.filename == str(tmp_path / "rows.jsonl")
    with pytest.raises(OSError, match="No space") as caught, AtomicFile(tmp_path / "rows.jsonl") as file:
        file.write(b"x" * (2 << 20))
    assert caught.value.filename == str(tmp_path / "rows.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_on_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space") as caught:
        FileLock(tmp_path / "a.lock").acquire()
    assert caught.value.filename == str(tmp_path / "a.lock")
    fault = as_user_error(caught.value)
    assert isinstance(fault, UserError)
    assert "make room" in str(fault)
