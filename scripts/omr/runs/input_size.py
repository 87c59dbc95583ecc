"""How many threads, or given problems, a run has to work on, before it does.

From the run, from its input files, or as published.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from omr.config.settings import Settings
from omr.errors import UserError
from omr.files.tables import read_lines
from omr.runs.counts import RunCounts
from omr.runs.published_ratios import PROBLEM_BYTES, PROBLEMS, THREAD_BYTES, THREADS
from omr.runs.ratios import Threads
from omr.threads.files import find_inputs


def problems_at_hand(run: RunCounts, settings: Settings) -> Threads:
    """The given problems of a run: those it has read; else the rows of its input, up to `limit`; else as assumed."""
    given = settings.given
    read, rows = run.stage("read_problems"), run.folder / f"{'problems' if settings.classifies else 'merged'}.jsonl"
    if read is not None and rows.exists():
        return Threads(read["written"], rows.stat().st_size / max(1, read["written"]), str(rows), "problems")
    paths = [Path(path) for path in settings.problems_input]
    if all(path.exists() for path in paths):
        number, size = _size_of(paths)
        found = Threads(number, size / max(1, number), str(given["path"] or given["dataset"]), "problems")
    else:
        source = f"{PROBLEMS.source}: the input is not here yet"
        found = Threads(round(PROBLEMS.value), PROBLEM_BYTES.value, source, "problems")
    if given["limit"] is None or given["limit"] >= found.number:
        return found
    return replace(found, number=given["limit"], source=f"{found.source}, limit of config")


def threads_at_hand(run: RunCounts, settings: Settings) -> Threads:
    """The threads of a run: those it has prepared; else those of its input file, up to `limit`; else as published."""
    if settings.starts_from_problems:
        return problems_at_hand(run, settings)
    prepared, rows = run.stage("prepare_raw_data"), run.folder / "raw_aops_data.jsonl"
    if prepared is not None and rows.exists():
        number = prepared["written"]
        return Threads(number, rows.stat().st_size / max(1, number), str(rows))
    limit = settings.config["raw_data"]["limit"]
    given = [Path(path) for path in settings.raw_data_input]
    path = settings.config["raw_data"]["path"]
    if all(file.exists() for file in given):
        number, size = _size_of(given)
        threads = Threads(number, size / max(1, number), str(path or given[0]))
    elif path is not None:
        raise UserError("there is no such file", file=path, remedy="mend `raw_data.path` in config")
    else:
        threads = Threads(round(THREADS.value), THREAD_BYTES.value, f"{THREADS.source}: the input is not here yet")
    if limit is None or limit >= threads.number:
        return threads
    return Threads(limit, threads.bytes_each, f"{threads.source}, limit of config")


def _size_of(inputs: list[Path]) -> tuple[int, int]:
    """Rows and bytes of files of rows, or of those that a manifest lists."""
    number, size = (sum(values) for values in zip(*map(_rows_and_bytes, find_inputs(inputs)), strict=True))
    return number, size


def _rows_and_bytes(path: Path) -> tuple[int, int]:
    """Rows of a file, and the bytes of their text; Parquet tells both by itself."""
    if not path.exists():
        raise UserError("there is no such file", file=path, remedy="the manifest names it: download it again")
    if path.suffix == ".parquet":
        import pyarrow.parquet

        metadata = pyarrow.parquet.read_metadata(path)
        return metadata.num_rows, sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    rows = size = 0
    for line in read_lines(path):
        rows += 1
        size += len(line.data)
    return rows, size
