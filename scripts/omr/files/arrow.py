"""pyarrow without numpy and pandas, both of which it can do without.

It takes numpy where it is there, and looks for pandas at the first list that it is given. Nothing here gives it values
of theirs or asks for any, and importing them takes longer than all else that a short stage does with Parquet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

_LEFT_OUT = ("numpy", "pandas")


class _LeavesOut:
    """A finder of modules, for `sys.meta_path`, that says of some that they are not there."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> None:
        if name in _LEFT_OUT:
            raise ModuleNotFoundError(f"no {name} is looked for here", name=name)


@contextmanager
def _left_out() -> Iterator[None]:
    finder = _LeavesOut()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@cache
def arrow() -> Any:
    """The module `pyarrow` (whose types nobody states), told that there is no numpy and no pandas; not of one that was
    imported before.

    Whoever imports numpy later has it, but `pyarrow` does not know its arrays in this process; and pandas, which keeps
    texts in such arrays, cannot be used there. No command here uses pandas.
    """
    with _left_out():
        import pyarrow

        pyarrow.array([])
    return pyarrow


@cache
def parquet() -> Any:
    """The module `pyarrow.parquet`, loaded likewise."""
    arrow()
    with _left_out():
        import pyarrow.parquet
    return pyarrow.parquet


@cache
def compute() -> Any:
    """The module `pyarrow.compute`, loaded likewise."""
    arrow()
    with _left_out():
        import pyarrow.compute
    return pyarrow.compute
