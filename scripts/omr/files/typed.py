"""Commands as people can type them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def as_typed(program: str, name: str) -> str:
    """A program as people can type it here: by its path where that is below the working folder, else by its name."""
    with suppress(ValueError):
        path = Path(program).absolute().relative_to(Path.cwd())
        return str(path) if path.name.startswith(name) else name
    return name
