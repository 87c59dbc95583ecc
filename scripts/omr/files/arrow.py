"""pyarrow without pandas, which it looks for at the first list that it is given.

Nothing here uses pandas, and its import takes longer than all else that a short stage does with Parquet.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any


class _WithoutPandas:
    """A finder of modules, for `sys.meta_path`, that says of pandas that it is not there."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"no {name} is looked for here", name=name)


@cache
def arrow() -> Any:
    """The module `pyarrow` (whose types nobody states), told that there is no pandas.

    Whoever imports pandas later has it all the same.
    """
    import pyarrow

    if "pandas" not in sys.modules:
        finder = _WithoutPandas()
        sys.meta_path.insert(0, finder)
        try:
            pyarrow.array([])
        finally:
            sys.meta_path.remove(finder)
    return pyarrow
