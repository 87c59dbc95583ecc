"""Files of killed writers are cleared, those of living ones are not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from omr.files.jsonl import AtomicFile
from omr.files.temporary import clear_temporary, temporary_beside

HOST = socket.gethostname().partition(".")[0]
DAY_S = 24 * 3600
#: No process has such a number.
NOBODY = 2**22 + 1


def test_a_killed_writers_file_is_cleared(tmp_path: Path) -> None:
    code = (
        f"import os, signal; from omr.files.jsonl import AtomicFile; f = AtomicFile({str(tmp_path / 'rows.jsonl')!r})"
    )
    code += "; f.write(b'x'); os.kill(os.getpid(), signal.SIGKILL)"
    scripts = str(Path(__file__).parents[3] / "scripts")
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": scripts}, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    assert clear_temporary([tmp_path, tmp_path, tmp_path / "none"]) == 1
    assert list(tmp_path.iterdir()) == []


def test_living_writers_other_machines_and_other_files_are_let_be(tmp_path: Path) -> None:
    with AtomicFile(tmp_path / "rows.jsonl") as file:
        file.write(b"x\n")
        others = [".rows.jsonl.elsewhere.1.tmp", ".rows.jsonl.tmp", "rows.tmp"]
        for name in others:
            (tmp_path / name).touch()
        assert clear_temporary([tmp_path]) == 0
        old = (tmp_path / others[0]).stat().st_mtime - 2 * DAY_S
        os.utime(tmp_path / others[0], (old, old))
        assert clear_temporary([tmp_path]) == 1
    assert (tmp_path / "rows.jsonl").read_bytes() == b"x\n"


def test_names_are_of_this_process_and_place(tmp_path: Path) -> None:
    assert temporary_beside(tmp_path / "a.jsonl") == tmp_path / f".a.jsonl.{HOST}.{os.getpid()}.tmp"


def test_a_dead_writers_folder_is_cleared_when_nothing_in_it_is_young(tmp_path: Path) -> None:
    ours, dead, other = (
        tmp_path / f".rows.{name}.tmp" for name in (f"{HOST}.{os.getpid()}", f"{HOST}.{NOBODY}", "x.1")
    )
    for folder in (ours, dead, other):
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "0.parquet").touch()
    old = other.stat().st_mtime - 2 * DAY_S
    for path in (other, other / "data"):
        os.utime(path, (old, old))
    assert clear_temporary([tmp_path]) == 1
    assert sorted(tmp_path.iterdir()) == sorted([ours, other])  # a file is written there now
    os.utime(other / "data" / "0.parquet", (old, old))
    assert clear_temporary([tmp_path], "row") == 0
    assert clear_temporary([tmp_path], "rows") == 1
    assert list(tmp_path.iterdir()) == [ours]
