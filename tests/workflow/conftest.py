"""The real workflow, run with Snakemake in copies of this project."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from omr.replay.launch import RunningServer, running_server
from workflow.projects import ROOT, Project, copy_project, run_make_demo


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy in which nothing has run."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def make_demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Project, str]:
    """`make demo` as a new user types it, in a folder with nothing but the project's files; and what it said.

    Made once for all workers of a test run.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder, said = shared / "demo" / "project", shared / "demo.txt"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            text = run_make_demo(folder)
            said.write_text(text)
    return Project(folder), said.read_text()


@pytest.fixture
def demo(finished_demo: Project, tmp_path: Path) -> Project:
    """A copy in which the demo has run; the test may do with it what it likes."""
    folder = tmp_path / "project"
    # Links and times as they are: replies share their bytes with journals, and Snakemake compares times.
    folder.mkdir()
    left = (".venv", ".venv-sandbox", ".git")
    kept = [entry.name for entry in finished_demo.folder.iterdir() if entry.name not in left]
    (folder / ".venv-sandbox").symlink_to(finished_demo.folder / ".venv-sandbox")
    subprocess.run(["cp", "-a", *kept, str(folder)], cwd=finished_demo.folder, check=True)
    return Project(folder)


@pytest.fixture(scope="session")
def finished_demo(make_demo: tuple[Project, str]) -> Project:
    """The copy in which the demo ran, to be read only."""
    return make_demo[0]


@pytest.fixture
def hosted() -> Iterator[RunningServer]:
    """An OpenAI-compatible endpoint on loopback that answers the sample and counts what it is asked."""
    with running_server(ROOT / "tests/data/demo/replies", model="some/hosted-model", api_key="the-key") as server:
        yield server
