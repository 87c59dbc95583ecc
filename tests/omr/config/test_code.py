"""The code that a rule's result depends on, worked out from the sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from omr.config.code import code_of
from omr.errors import UserError

ROOT = Path(__file__).parents[3]


def test_a_script_depends_on_modules_that_it_reaches_through_others():
    code = code_of("merge_judgements")
    assert "scripts/merge_judgements.py" in code
    assert "scripts/omr/parsers/reply_text.py" in code  # by way of omr.parsers.verdicts


def test_a_module_named_in_a_string_to_be_run_is_reached():
    assert "scripts/omr/answers/comparison.py" in code_of("select_judgements")


def test_modules_that_a_script_does_not_reach_are_left_out():
    assert not [path for path in code_of("merge_data") if "/answers/" in path]


@pytest.mark.parametrize("script", sorted(path.stem for path in (ROOT / "scripts").glob("*.py")))
def test_all_modules_that_a_script_really_imports_are_named(script):
    program = (
        f"import sys; sys.path.insert(0, 'scripts'); import {script}; "
        "print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'omr'), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = {Path(line).resolve().relative_to(ROOT.resolve()).as_posix() for line in done.stdout.split()}
    assert imported <= set(code_of(script))


def test_a_script_that_is_not_there_is_an_error():
    with pytest.raises(UserError, match=r"no scripts/nosuch\.py"):
        code_of("nosuch")
