"""pyarrow without pandas: in a process of its own, since here both may be loaded already."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, 'scripts'); {program}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


USES = "a = pa.array(['x', 'y']); pa.Table.from_pylist([{'a': 1}]).to_pylist(); print('pandas' in sys.modules); "


def test_lists_become_arrays_without_pandas_and_who_wants_it_later_has_it() -> None:
    found = run(
        f"from omr.files.arrow import arrow; pa = arrow(); {USES}"
        "import pandas; print(type(pa.table({'a': a}).to_pandas()).__module__.split('.')[0], arrow() is pa)"
    )
    assert found == ["False", "pandas", "True"]
    # If this is no longer so, the module is not needed any more.
    assert run(f"import pyarrow as pa; {USES}") == ["True"]


def test_pandas_that_is_there_already_stays() -> None:
    program = "import pandas; from omr.files.arrow import arrow; pa = arrow(); "
    assert run(f"{program}{USES} print(type(pa.table({{'a': a}}).to_pandas()).__name__)") == ["True", "DataFrame"]
