r"""What code a rule's result depends on: its script, and every module of `omr` that the script reaches.

A rule has the digest of it among its params, so that an edit runs exactly the stages that use it again. As inputs the
files themselves would do the same, but Snakemake looks at each input of each job many times: at its time, its size and
its checksum, the last once per output.

Worked out from the sources, without importing anything, so that no list kept by hand can go stale and a dry run stays
quick. A module counts as reached if it is imported anywhere in a file, functions included, or named whole in a string,
as `python -m omr.answers.equivalence_worker` is.
"""

from __future__ import annotations

import ast
import os
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path

from omr.errors import UserError

_SCRIPTS = Path(__file__).resolve().parents[2]
#: An import of `omr` with all of its lines; only these are parsed, which is twenty times as fast as parsing files.
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+omr\b|import[ \t]+omr\b)[^\n(\\]*(?:\((?:[^)#]++|#[^\n]*+)*+\)|(?:\\\n[^\n\\]*)*)",
    re.MULTILINE,
)
_NAMED = re.compile(r"""(["'])(omr(?:\.\w+)+)\1""")


@cache
def code_of(script: str) -> str:
    """Which edition of its code `script` runs, in words for the one who asks why a stage is to run again.

    Raises UserError if there is no such script.
    """
    digest = blake2b(digest_size=6)
    for path in files_of(script):
        digest.update(f"{path} {_source(path)[1]}\n".encode())
    return f"{script}.py, with all that it uses, as of {digest.hexdigest()}"


@cache
def files_of(script: str) -> tuple[str, ...]:
    """Paths from the project's root, sorted: `scripts/<script>.py` and the modules of `omr` that it reaches.

    Raises UserError if there is no such script.
    """
    first = f"{_SCRIPTS.name}/{script}.py"
    if not (_SCRIPTS.parent / first).is_file():
        raise UserError(f"there is no {first}")
    reached, ahead = {first}, [first]
    while ahead:
        for path in _imported(ahead.pop()) - reached:
            reached.add(path)
            ahead.append(path)
    return tuple(sorted(reached))


@cache
def _modules() -> dict[str, str]:
    """The path of every module of `omr` by its dotted name; that of a package is its `__init__.py`."""
    found = {}
    for folder, _, names in os.walk(_SCRIPTS / "omr"):
        parts = Path(folder).relative_to(_SCRIPTS).parts
        for name in names:
            stem, ending = os.path.splitext(name)
            if ending == ".py":
                module = ".".join(parts if stem == "__init__" else (*parts, stem))
                found[module] = "/".join((_SCRIPTS.name, *parts, name))
    return found


@cache
def _imported(path: str) -> frozenset[str]:
    """Files of `omr` that one source file names itself, with the folders' `__init__.py` that importing them runs."""
    source, _ = _source(path)
    modules = _modules()
    found: set[str] = set()
    for module in {*_import_statements(source), *(match[2] for match in _NAMED.finditer(source))}:
        parts = module.split(".")
        names = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        found.update(modules[name] for name in names if name in modules)
    return frozenset(found)


@cache
def _source(path: str) -> tuple[str, str]:
    """The text of a source file, and the digest of its bytes."""
    content = (_SCRIPTS.parent / path).read_bytes()
    return content.decode("utf-8"), blake2b(content, digest_size=16).hexdigest()


def _import_statements(source: str) -> Iterator[str]:
    """Dotted names that the imports of a file may mean; a name taken from a module is tried as a module as well."""
    for match in _IMPORT.finditer(source):
        try:
            statement = ast.parse(textwrap.dedent(match[0]).strip()).body[0]
        except SyntaxError:  # prose that begins like an import
            continue
        if isinstance(statement, ast.Import):
            yield from (name.name for name in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            yield from (f"{statement.module}.{name.name}" for name in statement.names)


def templates_of_report() -> list[str]:
    """Paths from the project's root of what the report is made with besides code."""
    folder = _SCRIPTS / "omr/report/templates"
    return sorted(path.relative_to(_SCRIPTS.parent).as_posix() for path in folder.iterdir())
