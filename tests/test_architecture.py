"""docs/architecture.md is true: its table names the wings in their order, and its worked example works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from workflow.projects import ROOT, Project, copy_project

PAGE = (ROOT / "docs/architecture.md").read_text()


def test_the_table_names_the_wings_in_the_order_that_is_checked():
    table = PAGE[PAGE.index("| wing | promises |") : PAGE.index("`answers/` is by far")]
    named = re.findall(
        r"`(\w+)/`", "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    )
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "wings")
    # Wings of one layer know nothing of each other.
    assert named == [wing.strip("()") for layer in reversed(layers) for wing in reversed(layer.split(" | "))]


def test_every_file_that_the_guides_name_is_there():
    for guide in ("docs/architecture.md", "CONTRIBUTING.md"):
        text = re.sub(r"```diff.*?```", "", (ROOT / guide).read_text(), flags=re.DOTALL)
        named = re.findall(r"`((?:scripts|rules|config|docs|envs|tests|profiles|prompts|benchmarks)/[\w./-]+)`", text)
        assert named
        assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.fixture
def changed(tmp_path: Path) -> Project:
    """A copy of the project with the worked example applied."""
    project = copy_project(tmp_path / "project")
    diff = re.search(r"^```diff\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert diff is not None
    subprocess.run(["git", "apply", "-"], input=diff[1], cwd=project.folder, text=True, check=True)
    return project


def test_the_worked_example_runs_by_hand(changed: Project):
    rows = [{"id": "a", "problem": "x" * 3}, {"id": "b", "problem": "x" * 30}]
    changed.path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = [
        "--problems",
        "rows.jsonl",
        "--output",
        "out.jsonl",
        "--dropped",
        "dropped.jsonl",
        "--counts",
        "counts.json",
    ]
    command = [sys.executable, "scripts/select_short_problems.py", *files, "--max-chars", "10"]
    subprocess.run(command, cwd=changed.folder, check=True)
    assert [json.loads(line)["id"] for line in changed.path("out.jsonl").read_text().splitlines()] == ["a"]
    assert json.loads(changed.path("counts.json").read_text())["dropped"] == {"too_long": 1}


@pytest.mark.workflow
def test_the_worked_example_is_part_of_the_graph(changed: Project):
    planned = changed.planned("results/demo/short_problems.jsonl", "--configfile", "config/demo.yaml")
    assert planned["select_short_problems"] == 1
    assert planned["decontaminate"] == 1


def test_the_worked_example_keeps_the_format_of_the_project(changed: Project):
    tools = Path(sys.executable).parent
    for check in (
        [tools / "ruff", "format", "--check", "scripts/select_short_problems.py", "--config", ROOT / "pyproject.toml"],
        [tools / "ruff", "check", "scripts/select_short_problems.py", "--config", ROOT / "pyproject.toml"],
        [tools / "snakefmt", "--no-sort", "--check", "rules/short_problems.smk", "--config", ROOT / "pyproject.toml"],
    ):
        done = subprocess.run(check, cwd=changed.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
