"""The interpreter that code of models runs with writes itself down, if it has what they import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import prepare_sandbox
import pytest
from omr.errors import UserError

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-sandbox/bin/python"


@pytest.mark.skipif(not PYTHON.exists(), reason="make .venv-sandbox/sandbox.lock.txt.installed")
def test_the_sandboxs_own_interpreter_names_itself(tmp_path: Path) -> None:
    output = tmp_path / "downloads/sandbox.json"
    subprocess.run([PYTHON, ROOT / "scripts/prepare_sandbox.py", "--output", output], check=True)
    found = json.loads(output.read_text())
    assert Path(found["python"]).samefile(PYTHON)
    assert found["version"].startswith("3.")


def test_an_environment_without_the_packages_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_sandbox, "NEEDED", ("json", "no_such_package"))
    with pytest.raises(UserError, match="lacks no_such_package") as refused:
        prepare_sandbox.main(["--output", str(tmp_path / "sandbox.json")])
    assert refused.value.file == sys.executable
    assert list(tmp_path.iterdir()) == []
