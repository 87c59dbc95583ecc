"""The code that a rule's result depends on, worked out from the sources."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from omr.config import code as code_module
from omr.config.code import code_of, files_of
from omr.errors import UserError

ROOT = Path(__file__).parents[3]
CACHES = (code_of, files_of, code_module._modules, code_module._imported, code_module._source)


def test_a_script_depends_on_modules_that_it_reaches_through_others():
    code = files_of("merge_judgements")
    assert "scripts/merge_judgements.py" in code
    assert "scripts/omr/parsers/reply_text.py" in code  # by way of omr.parsers.verdicts


def test_a_module_named_in_a_string_to_be_run_is_reached():
    assert "scripts/omr/answers/comparison.py" in files_of("select_judgements")


def test_modules_that_a_script_does_not_reach_are_left_out():
    assert not [path for path in files_of("merge_data") if "/answers/" in path]


@pytest.mark.parametrize("script", sorted(path.stem for path in (ROOT / "scripts").glob("*.py")))
def test_all_modules_that_a_script_really_imports_are_named(script):
    program = (
        f"import sys; sys.path.insert(0, 'scripts'); import {script}; "
        "print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'omr'), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = {Path(line).resolve().relative_to(ROOT.resolve()).as_posix() for line in done.stdout.split()}
    assert imported <= set(files_of(script))


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").rglob("*.py")), ids=lambda path: path.stem)
def test_no_import_of_a_source_file_is_overlooked(path):
    source = path.read_text(encoding="utf-8")
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level  # the package's own modules are named whole
            imported.add(node.module)
    named = {name for name in imported if name.split(".")[0] == "omr"}
    assert named <= set(code_module._import_statements(source))


@pytest.mark.parametrize(
    "statement",
    [
        "from omr import (\n    shared,  # (of all)\n    other,\n)\n",
        "from omr import (  # as in (1), or a) and b)\n    shared,\n)\n",
        "from omr import shared  # (once\n",
        "def late():\n    from omr import \\\n        shared\n",
    ],
)
def test_an_import_is_seen_whatever_its_comments_say(scripts, statement):
    folder, edition = scripts
    (folder / "other.py").write_text(statement)
    before = edition("other")
    (folder / "omr/shared.py").write_text("y = 2\n")
    assert edition("other") != before


def test_prose_that_opens_a_bracket_like_an_import_is_none():
    notes = "".join(f"#{number} {'a' * 100}\n" for number in range(1000))
    assert list(code_module._import_statements(f"from omr (see {notes}")) == []


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """Two scripts, of which one uses the only module; `edition()` of a script reads everything anew."""
    (tmp_path / "scripts/omr").mkdir(parents=True)
    for name, text in {
        "first.py": "from omr import shared\n",
        "other.py": "x = 1\n",
        "omr/__init__.py": "",
        "omr/shared.py": "y = 1\n",
    }.items():
        (tmp_path / "scripts" / name).write_text(text)
    monkeypatch.setattr(code_module, "_SCRIPTS", tmp_path / "scripts")

    def edition(script):
        for known in CACHES:
            known.cache_clear()
        return code_of(script)

    yield tmp_path / "scripts", edition
    edition("other")
    for known in CACHES:
        known.cache_clear()


def test_an_edit_of_a_module_is_another_edition_of_the_scripts_that_reach_it_alone(scripts):
    folder, edition = scripts
    before = edition("first"), edition("other")
    (folder / "omr/shared.py").write_text("y = 2\n")
    assert edition("first") != before[0]
    assert edition("other") == before[1]
    (folder / "omr/shared.py").write_text("y = 1\n")
    assert edition("first") == before[0]


def test_a_module_that_moves_is_another_edition(scripts):
    folder, edition = scripts
    before = edition("first")
    (folder / "omr/shared").mkdir()
    (folder / "omr/shared.py").rename(folder / "omr/shared/__init__.py")
    assert edition("first") != before


def test_the_edition_names_its_script():
    assert code_of("merge_data").startswith("merge_data.py, ")


def test_a_script_that_is_not_there_is_an_error():
    with pytest.raises(UserError, match=r"no scripts/nosuch\.py"):
        code_of("nosuch")
