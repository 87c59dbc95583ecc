"""A CPU stage: rows in, rows out, every dropped row in a file of its own with its reason, all of it counted.

The counts file is {"stage", "read", "passed", "written", "dropped": {reason: n}, ...notes}. `read` and `passed` are
input rows; `written` is output rows, which differ from `passed` only where one row becomes several (and then
`dropped_parts` counts those of the several that did not pass). The stage stops when `read = passed + dropped` does not
hold, so that no parser can lose a row unseen. The note `bytes_read` says what was read, by the flag that named the
files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import orjson

from omr.errors import UserError
from omr.files import bytes_read
from omr.files.jsonl import AtomicFile, Fields, Row, dumps, read_rows
from omr.files.unique import unique_rows


class Output(Protocol):
    """Where rows are written to, which appears when it is whole. `AtomicFile` is one."""

    path: Path

    def write_row(self, row: Mapping[str, Any]) -> None: ...

    def commit(self) -> None: ...

    def discard(self) -> None: ...


class Stage:
    """Context manager around one CPU stage; on a clean exit its three outputs appear, on an error none does."""

    def __init__(
        self,
        name: str,
        output: str | Path | Output,
        dropped: str | Path,
        counts: str | Path,
        inputs: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._inputs = inputs or {}
        self._read_before = bytes_read.so_far()
        self.rows_read = 0
        self.rows_passed = 0
        self.rows_written = 0
        self.reasons: Counter[str] = Counter()
        self.part_reasons: Counter[str] = Counter()
        self._notes: dict[str, Any] = {}
        self._output: Output = AtomicFile(output) if isinstance(output, str | Path) else output
        self._dropped = AtomicFile(dropped)
        self._counts = AtomicFile(counts)

    def read(
        self,
        path: str | Path,
        required: Fields | None = None,
        *,
        where: Callable[[Row], bool] | None = None,
        unique: bool = False,
    ) -> Iterator[Row]:
        """Stream and count the rows of an input of this stage.

        Rows that `where` refuses belong to another stage: they count as `not_selected`, not as read. With `unique`,
        an `id` that occurs twice is a UserError.
        """
        rows = read_rows(path, required)
        if unique:
            rows = unique_rows(rows, path)
        if where is not None:
            rows = self._selected(rows, where)
        for row in rows:
            self.rows_read += 1
            yield row

    def _selected(self, rows: Iterator[Row], where: Callable[[Row], bool]) -> Iterator[Row]:
        self._notes.setdefault("not_selected", 0)
        for row in rows:
            if where(row):
                yield row
            else:
                self._notes["not_selected"] += 1

    def count_read(self, rows: int = 1) -> None:
        """Count input rows that were read by other means than `read`."""
        self.rows_read += rows

    def count_written(self, rows: int) -> None:
        """Count input rows that passed as they are, written to the output by other means than `write`."""
        self.rows_passed += rows
        self.rows_written += rows

    def write(self, row: Mapping[str, Any]) -> None:
        """Write the one row that an input row became."""
        self.rows_passed += 1
        self.rows_written += 1
        self._output.write_row(row)

    def write_encoded(self, line: bytes) -> None:
        """Write the one row that an input row became, which another process has made a JSON line of already."""
        if not isinstance(self._output, AtomicFile):
            raise TypeError("only a file of lines takes lines")
        self.rows_passed += 1
        self.rows_written += 1
        self._output.write(line)

    def write_all(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the rows (at least one) that one input row became."""
        written = 0
        for row in rows:
            self._output.write_row(row)
            written += 1
        if not written:
            raise ValueError("a row that became nothing must be dropped with a reason")
        self.rows_passed += 1
        self.rows_written += written

    def drop(self, row: Mapping[str, Any], reason: str, **what: Any) -> None:
        """Set a row aside: it goes to the dropped file as {"id", "reason", **row, **what}."""
        self.reasons[reason] += 1
        self._set_aside(row, reason, what)

    def drop_part(self, row: Mapping[str, Any], reason: str, **what: Any) -> None:
        """Set aside a part of an input row whose other parts pass: counted under `dropped_parts`, not `dropped`."""
        self.part_reasons[reason] += 1
        self._set_aside(row, reason, what)

    def _set_aside(self, row: Mapping[str, Any], reason: str, what: Mapping[str, Any]) -> None:
        line = {"id": row.get("id"), "reason": reason, **row, **what}
        line["reason"] = reason  # also where the row has a field of this name
        self._dropped.write(dumps(line))

    def note(self, key: str, value: Any) -> None:
        """Add a figure of interest to the counts file."""
        self._notes[key] = value

    def counts(self) -> dict[str, Any]:
        """The content of the counts file."""
        counts = {
            "stage": self.name,
            "read": self.rows_read,
            "passed": self.rows_passed,
            "written": self.rows_written,
            "dropped": dict(sorted(self.reasons.items())),
        }
        if self.part_reasons:
            counts["dropped_parts"] = dict(sorted(self.part_reasons.items()))
        return counts | self._notes | {"bytes_read": self._bytes_read()}

    def _bytes_read(self) -> dict[str, int]:
        """What was read since the stage was opened; `inputs` says what files and folders are called."""
        total: Counter[str] = Counter()
        for path, number in (bytes_read.so_far() - self._read_before).items():
            names = (self._inputs.get(str(place)) for place in (Path(path), *Path(path).parents))
            total[next(filter(None, names), "other")] += number
        return dict(sorted(total.items()))

    def _check_conservation(self) -> None:
        dropped = self.reasons.total()
        if self.rows_read != self.rows_passed + dropped:
            raise UserError(
                f"{self.name} read {self.rows_read} rows, but passed {self.rows_passed} and dropped {dropped}: "
                f"{self.rows_read - self.rows_passed - dropped} rows are unaccounted for",
                file=self._output.path,
                remedy="this is a fault of the script, not of the data: nothing was written; please report it",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The rows last: those that a kill left behind have their counts, by which they are known as the workflow's own.
        files = (self._counts, self._dropped, self._output)
        try:
            if kind is None:
                self._check_conservation()
                self._counts.write(orjson.dumps(self.counts(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
                for file in files:
                    file.commit()
        finally:
            for file in files:
                file.discard()
