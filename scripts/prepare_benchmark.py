"""One benchmark of config as a file of ours: {"id": "<name>-<row>", "benchmark", "row", "problem"}.

In: a local JSONL, CSV or Parquet file, or a config and split of a hub dataset, and the column that holds the problem.
Out: one row per problem, in the source's order, unchanged. Step: decontaminate. A benchmark that yields no rows, lacks
its column or has a row without text is an error: nothing would be checked against what is missing.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from omr.contamination.benchmarks import check_benchmark_name
from omr.errors import UserError, leave, run_command
from omr.files.jsonl import AtomicFile, dumps, open_for_reading, parse_row
from omr.hub.files import hub_parquet_files


def read_jsonl_column(path: Path, column: str) -> Iterator[Any]:
    """The values of a field. Raises UserError for a line that is no object or lacks the field."""
    with open_for_reading(path) as handle:
        for number, line in enumerate(handle, 1):
            row, fault = parse_row(line)
            if row is None:
                raise UserError(fault or "unreadable", file=path, line=number, remedy="mend the file")
            if column not in row:
                raise _no_column(path, column, row, line=number)
            yield row[column]


def read_csv_column(path: Path, column: str) -> Iterator[Any]:
    """The values of a column of a CSV file with a header. Raises UserError for a bad file or a missing column."""
    open_for_reading(path).close()
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            if reader.fieldnames is not None and column not in reader.fieldnames:
                raise _no_column(path, column, reader.fieldnames)
            for row in reader:
                yield row[column]
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"not a CSV file in UTF-8: {error}", file=path, remedy="mend the file") from error


def read_parquet_column(path: Path, column: str) -> Iterator[Any]:
    """The values of a column of a Parquet file. Raises UserError for a bad file or a missing column."""
    # Imported here: the library is large, and most benchmarks of a test are JSONL.
    import pyarrow
    import pyarrow.parquet

    open_for_reading(path).close()
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            if column not in file.schema_arrow.names:
                raise _no_column(path, column, file.schema_arrow.names)
            for batch in file.iter_batches(columns=[column]):
                yield from batch.column(0).to_pylist()
    except pyarrow.ArrowException as error:
        raise UserError(f"not a Parquet file: {error}", file=path, remedy="download it again") from error


_READERS = {".jsonl": read_jsonl_column, ".csv": read_csv_column, ".parquet": read_parquet_column}


def read_column(path: Path, column: str) -> Iterator[Any]:
    """The values of a column of a file, whose kind its name's ending tells."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        kind = "a folder" if path.is_dir() else path.suffix or "a file without ending"
        what = f"benchmarks are read from {', '.join(_READERS)} files, not from {kind}"
        raise UserError(what, file=path, remedy="name one of its files" if path.is_dir() else "convert the file")
    return reader(path, column)


def write_benchmark(name: str, source: str, values: Iterable[Any], output: str | Path) -> int:
    """Write the rows of a benchmark; their number. Raises UserError if there are none or one is not a text."""
    with AtomicFile(output) as file:
        rows = 0
        for row, problem in enumerate(values):
            if not isinstance(problem, str) or not problem.strip():
                raise UserError(
                    f"row {row} (from 0) of the benchmark {name!r} has no text for its problem: {problem!r:.80}",
                    file=source,
                    remedy="check `column` in config, or give the mended rows as a local file under `path`",
                )
            file.write(dumps({"id": f"{name}-{row}", "benchmark": name, "row": row, "problem": problem}))
            rows += 1
        if not rows:
            raise UserError(
                f"the benchmark {name!r} has no rows, so nothing would be checked against it",
                file=source,
                remedy="check its entry under `benchmarks` in config",
            )
    return rows


def _no_column(path: Path, column: str, columns: Iterable[str], line: int | None = None) -> UserError:
    known = ", ".join(map(repr, columns)) or "none"
    return UserError(
        f"there is no column {column!r} (there are: {known})", file=path, line=line, remedy="mend `column` in config"
    )


def _parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="name of the benchmark: a-z, 0-9, _, . and -")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--path", type=Path, help="local .jsonl, .csv or .parquet file")
    source.add_argument("--dataset", help="id of a hub dataset")
    parser.add_argument("--config", help="config of the hub dataset (default: its default one)")
    parser.add_argument("--split", default="test", help="split of the hub dataset (default: %(default)s)")
    parser.add_argument("--revision", help="commit, tag or branch of the hub dataset (default: its default branch)")
    parser.add_argument("--cache-dir", help="where downloads are kept (default: the hub library's own cache)")
    parser.add_argument("--column", default="problem", help="column that holds the problem (default: %(default)s)")
    parser.add_argument("--rows", type=int, help="number of rows it must have (default: any but none)")
    parser.add_argument("--output", required=True, help="JSONL file to write")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command. Raises UserError."""
    arguments = _parse_arguments(argv)
    check_benchmark_name(arguments.name)
    if arguments.path is not None:
        paths = [arguments.path]
    else:
        where = (arguments.dataset, arguments.config, arguments.split, arguments.revision, arguments.cache_dir)
        paths = hub_parquet_files(*where)
    source = str(arguments.path or arguments.dataset)
    values = [value for path in paths for value in read_column(path, arguments.column)]
    if arguments.rows is not None and len(values) != arguments.rows:
        raise UserError(
            f"the benchmark {arguments.name!r} has {len(values)} rows, but config says {arguments.rows}",
            file=source,
            remedy="check its config, split and revision, or its `rows`",
        )
    rows = write_benchmark(arguments.name, source, values, arguments.output)
    print(f"{arguments.name}: {rows} rows from {source}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    leave(run_command(main))
