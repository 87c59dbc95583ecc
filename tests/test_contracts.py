"""Who may import whom: checked by import-linter (`make check`), and shown here to fail where it must."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    environment = os.environ | {"PYTHONPATH": str(folder / "scripts"), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a copy of the shared package and of what import-linter is told."""
    shutil.copytree(ROOT / "scripts/omr", tmp_path / "scripts/omr", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_package_keeps_its_contracts(package: Path) -> None:
    done = lint_imports(package)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("files/jsonl", "omr.answers.verdict"),  # the ground floor knows nothing
        ("replies/reply", "omr.asking.prompts"),  # with what stands there already, a circle of two wings
        ("replay/counts", "omr.sandbox.checks"),  # beside it: neither knows the other
        ("sandbox/checks", "omr.replay.counts"),
        ("errors", "omr.files.jsonl"),
    ],
)
def test_an_import_against_the_order_of_the_wings_fails(package: Path, module: str, imported: str) -> None:
    file = package / f"scripts/omr/{module}.py"
    file.write_text(file.read_text() + f"\nimport {imported}\n")
    done = lint_imports(package)
    assert done.returncode == 1
    assert f"omr.{module.replace('/', '.')} -> {imported}" in done.stdout


def test_a_new_wing_must_be_given_its_place(package: Path) -> None:
    (package / "scripts/omr/wherever").mkdir()
    (package / "scripts/omr/wherever/__init__.py").touch()
    assert "omr.wherever" in lint_imports(package).stdout


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_nothing_imports_from_a_script() -> None:
    files = sorted((ROOT / "scripts").rglob("*.py"))
    assert {path.name: imports_of(path) & set(SCRIPTS) for path in files if imports_of(path) & set(SCRIPTS)} == {}


def test_the_package_itself_holds_folders_and_errors_only() -> None:
    assert [path.name for path in sorted((ROOT / "scripts/omr").glob("*.py"))] == ["__init__.py", "errors.py"]
