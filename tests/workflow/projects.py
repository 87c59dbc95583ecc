"""Copies of this project in which the real workflow is run with Snakemake."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
#: What a run needs of the project: the rest is not copied.
NEEDED = ("Snakefile", "rules", "scripts", "prompts", "config", "envs", "profiles", "slurm", "tests/data")
#: Where code of models runs; without it recipes with code are left out.
SANDBOX = ROOT / ".venv-sandbox"
#: The files that a run is for.
NOUNS = (
    "raw_aops_data",
    "problems",
    "classified",
    "answers",
    "converted",
    "proofs",
    "merged",
    "deduplicated",
    "decontaminated",
)


@dataclass
class Project:
    """A copy of the project in a folder of its own."""

    folder: Path

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake with two cores; output and errors come as one text in `stdout`."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=clean_environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def make(self, *arguments: str, **environment: str) -> str:
        """Run Snakemake and insist on success."""
        done = self.snakemake(*arguments, **environment)
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def script(self, name: str, *arguments: str) -> str:
        """Run a command of scripts/ and insist on success; what it printed."""
        command = [sys.executable, f"scripts/{name}", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=clean_environment(), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr[-6000:]
        return done.stdout

    def planned(self, *arguments: str) -> dict[str, int]:
        """The jobs per rule that a dry run announces."""
        said = self.make(*arguments, "-n", "--quiet", "rules")
        return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", said, re.M) if name not in ("total", "all")}

    def path(self, name: str) -> Path:
        return self.folder / name

    def edit_prompt(self, name: str) -> None:
        """Say something else to the model in prompts/<name>.yaml."""
        path = self.path(f"prompts/{name}.yaml")
        text = path.read_text()
        assert text.count("user: |-\n") == 1
        path.write_text(text.replace("user: |-\n", "user: |-\n  Be brief.\n"))

    def overlay(self, name: str, content: Mapping[str, Any]) -> str:
        """Write a config file and return its path for `--configfile`."""
        self.path(name).write_text(yaml.safe_dump(dict(content)))
        return name

    def nouns(self, run: str) -> dict[str, bytes]:
        return {name: self.path(f"results/{run}/{name}.jsonl").read_bytes() for name in NOUNS}


def clean_environment() -> dict[str, str]:
    """This process's environment with our interpreter's tools first and nothing of the tests' own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NVIDIA_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return environment


def copy_project(folder: Path) -> Project:
    for name in NEEDED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(os.readlink(source))
        elif source.is_dir():
            shutil.copytree(source, target)  # with what is compiled of it: `make test` compiles all
        elif source.exists():
            shutil.copy2(source, target)
    if SANDBOX.exists():
        (folder / SANDBOX.name).symlink_to(SANDBOX.resolve())
    return Project(folder)


def run_make_demo(folder: Path) -> str:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, target, follow_symlinks=False)
    python = f"PYTHON={getattr(sys, '_base_executable', sys.executable)}"
    environment = {name: value for name, value in clean_environment().items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        ["make", "demo", python],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout
