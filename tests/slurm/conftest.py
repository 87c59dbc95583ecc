"""A cluster for the session, and the project beside a local run of the demo."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from slurm.slurm_lab import Cluster
from workflow.projects import Project, copy_project

#: The site's layer over the profile. The daemons are on this machine and see its files at once.
QUICK = {"slurm-init-seconds-before-status-checks": 3, "latency-wait": 5, "jobs": 8}


@pytest.fixture(scope="session")
def started_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes of eight pretended GPUs each."""
    missing = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no Slurm here ({', '.join(missing)}): tests/slurm/slurm_local.sh install")
    cluster = Cluster(tmp_path_factory.mktemp("slurm"), nodes=2)
    try:
        cluster.script("start", str(cluster.nodes))
        yield cluster
    finally:
        cluster.script("stop")


@pytest.fixture
def cluster(started_cluster: Cluster) -> Iterator[Cluster]:
    """The nodes without a job; what a test that fails leaves running must not meet the next one."""
    yield started_cluster
    started_cluster.clear()


@pytest.fixture(scope="session")
def local_run(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The whole demo, run on this machine without Slurm; to be read only."""
    project = copy_project(tmp_path_factory.mktemp("local") / "project")
    project.make("--configfile", "config/demo.yaml")
    return project


@pytest.fixture(scope="session")
def local_problems(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo up to its problems, run on this machine without Slurm; to be read only."""
    project = copy_project(tmp_path_factory.mktemp("problems") / "project")
    project.make("results/demo/problems.jsonl")
    return project


def with_layer(project: Project, name: str = "quick", **more: object) -> Project:
    """Write a site's profile into the project."""
    project.path(name).mkdir()
    project.path(f"{name}/config.yaml").write_text(yaml.safe_dump(QUICK | more))
    return project


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A copy of the project in which nothing has run."""
    return with_layer(copy_project(tmp_path / "project"))


@pytest.fixture
def unclassified(local_run: Project, tmp_path: Path) -> Project:
    """A copy of the local run from which classification is missing, the journals included."""
    return copy_without(local_run, tmp_path / "project", "classify_problems", "classified")


@pytest.fixture
def unextracted(local_problems: Project, tmp_path: Path) -> Project:
    """A copy of the run up to the problems from which just these are missing, the journals included."""
    return with_layer(copy_without(local_problems, tmp_path / "project", "extract_problems", "problems"))


def copy_without(project: Project, folder: Path, stage: str, noun: str) -> Project:
    """A copy of a run without the replies of a model stage and without the rows that come of them."""
    subprocess.run(["cp", "-a", str(project.folder), str(folder)], check=True)
    shutil.rmtree(folder / f"results/demo/replies/{stage}")
    (folder / f"results/demo/{noun}.jsonl").unlink()
    return Project(folder)
