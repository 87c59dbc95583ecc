"""pyarrow without numpy and pandas: in a process of its own, since here all may be loaded already."""

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


USES = "a = pa.array(['x', 'y']); pa.Table.from_pylist([{'a': 1}]).to_pylist(); "
SAYS = "print('numpy' in sys.modules, 'pandas' in sys.modules); "


def test_lists_become_arrays_without_numpy_and_pandas_and_who_wants_numpy_later_has_it() -> None:
    found = run(
        "from omr.files.arrow import arrow, compute, parquet; pa = arrow(); parquet(); "
        f"compute().utf8_length(pa.array(['x'])); {USES}{SAYS}"
        "import numpy; print(numpy.array([1])[0], arrow() is pa)"
    )
    assert found == ["False", "False", "1", "True"]
    # If this is no longer so, the module is not needed any more.
    assert run(f"import pyarrow as pa; {USES}{SAYS}") == ["True", "True"]


def test_pandas_that_is_there_already_stays() -> None:
    program = "import pandas; from omr.files.arrow import arrow; pa = arrow(); "
    assert run(f"{program}{USES}{SAYS} print(type(pa.table({{'a': a}}).to_pandas()).__name__)") == [
        *("True", "True"),
        "DataFrame",
    ]


def test_a_pyarrow_that_is_there_already_stays_as_it_is() -> None:
    program = "import pyarrow as pa, numpy; from omr.files.arrow import arrow; arrow(); "
    assert run(f"{program} print(pa.array(numpy.array([7]))[0].as_py())") == ["7"]
