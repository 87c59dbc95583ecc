"""Folders appear whole, whoever else makes the same one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from omr.files.folders import AtomicFolder, atomic_folder, clear_leftovers

FILES = 8


def fill(folder: Path, writer: str) -> None:
    (folder / "data").mkdir()
    for number in range(FILES):
        (folder / "data" / str(number)).write_text(writer)


def writers_of(folder: Path) -> list[str]:
    """Of a folder that is whole, who wrote its files."""
    files = sorted((folder / "data").iterdir())
    assert len(files) == FILES
    return sorted({file.read_text() for file in files})


def begun_on(host: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> AtomicFolder:
    with monkeypatch.context() as on_host:
        on_host.setattr(socket, "gethostname", lambda: host)
        return AtomicFolder(path)


@pytest.mark.parametrize("stood_there", [True, False])
def test_twins_build_each_for_itself_and_the_last_to_commit_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stood_there: bool
) -> None:
    path = tmp_path / "out"
    if stood_there:
        with atomic_folder(path) as built:
            fill(built, "older")
    first = begun_on("node-a", path, monkeypatch)
    fill(first.built, "a")
    second = begun_on("node-b.cluster", path, monkeypatch)
    (second.built / "half").write_text("b")
    first.commit()
    assert writers_of(path) == ["a"]
    (second.built / "half").unlink()
    fill(second.built, "b")
    first.discard()
    second.commit()
    second.discard()
    assert writers_of(path) == ["b"]
    assert list(tmp_path.iterdir()) == [path]


def test_of_twins_that_commit_at_the_same_moment_one_stays_and_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: threading.current_thread().name)
    path, faults = tmp_path / "out", list[OSError]()

    def make() -> None:
        try:
            folder = AtomicFolder(path)
            fill(folder.built, threading.current_thread().name)
            together.wait(30)
            folder.commit()
        except OSError as error:
            faults.append(error)

    for _ in range(20):
        together = threading.Barrier(3)
        twins = [threading.Thread(target=make, name=f"node-{number}") for number in range(3)]
        for twin in twins:
            twin.start()
        for twin in twins:
            twin.join()
        assert faults == []
        assert len(writers_of(path)) == 1
        assert list(tmp_path.iterdir()) == [path]


def test_the_next_one_clears_what_a_killed_process_left_of_the_same_folder_and_nothing_else(tmp_path: Path) -> None:
    code = "import os, signal, sys; from pathlib import Path; from omr.files.folders import AtomicFolder\n"
    code += "for name in sys.argv[1:]: (AtomicFolder(Path(name)).built / 'x').touch()\n"
    code += "os.kill(os.getpid(), signal.SIGKILL)"
    scripts = str(Path(__file__).parents[3] / "scripts")
    names = [str(tmp_path / name) for name in ("[o]ut", "other")]
    environment = os.environ | {"PYTHONPATH": scripts}
    killed = subprocess.run([sys.executable, "-c", code, *names], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = {path.name.split(".")[1]: path for path in tmp_path.iterdir()}
    living = AtomicFolder(tmp_path / "[o]ut")
    assert sorted(tmp_path.iterdir()) == sorted([left["other"], living.built])
    AtomicFolder(tmp_path / "other").discard()
    assert list(tmp_path.iterdir()) == [living.built]
    living.discard()


def test_who_alone_makes_a_folder_clears_what_anyone_left_of_it(tmp_path: Path) -> None:
    for name in (".out.node-a.1.tmp", ".out.old.node-a.1.tmp", ".other.node-a.1.tmp", "out"):
        (tmp_path / name / "data").mkdir(parents=True)
    (tmp_path / ".out.json.node-a.1.tmp").touch()
    clear_leftovers(tmp_path / "out")
    kept = [".other.node-a.1.tmp", ".out.json.node-a.1.tmp", "out"]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def test_a_commit_that_fails_leaves_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with atomic_folder(path) as built:
        fill(built, "older")
    folder = AtomicFolder(path)
    folder.discard()
    with pytest.raises(FileNotFoundError):
        folder.commit()
    assert writers_of(path) == ["older"]
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_what_stood_there_and_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with atomic_folder(path) as built:
        fill(built, "older")

    def fail() -> None:
        with atomic_folder(path) as built:
            fill(built, "newer")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert writers_of(path) == ["older"]
    assert list(tmp_path.iterdir()) == [path]
