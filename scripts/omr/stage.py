"""A CPU stage: rows in, rows out, every dropped row in a file of its own with its reason, all of it counted.

The counts file is {"stage", "read", "passed", "written", "dropped": {reason: n}, ...notes}. `read` and `passed` are
input rows; `written` is output rows, which differ from `passed` only where one row becomes several. The stage stops
when `read = passed + dropped` does not hold, so that no parser can lose a row unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from omr.errors import UserError
from omr.jsonl import AtomicFile, Fields, Row, dumps, read_rows


class Stage:
    """Context manager around one CPU stage; on a clean exit its three files appear, on an error none does."""

    def __init__(self, name: str, output: str | Path, dropped: str | Path, counts: str | Path) -> None:
        self.name = name
        self.rows_read = 0
        self.rows_passed = 0
        self.rows_written = 0
        self.reasons: Counter[str] = Counter()
        self._notes: dict[str, Any] = {}
        self._output = AtomicFile(output)
        self._dropped = AtomicFile(dropped)
        self._counts = AtomicFile(counts)

    def read(self, path: str | Path, required: Fields | None = None) -> Iterator[Row]:
        """Stream and count the rows of an input of this stage."""
        for row in read_rows(path, required):
            self.rows_read += 1
            yield row

    def count_read(self, rows: int = 1) -> None:
        """Count input rows that were read by other means than `read`."""
        self.rows_read += rows

    def write(self, row: Mapping[str, Any]) -> None:
        """Write the one row that an input row became."""
        self.rows_passed += 1
        self.rows_written += 1
        self._output.write(dumps(row))

    def write_encoded(self, line: bytes) -> None:
        """Write the one row that an input row became, which another process has made a JSON line of already."""
        self.rows_passed += 1
        self.rows_written += 1
        self._output.write(line)

    def write_all(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the rows (at least one) that one input row became."""
        written = 0
        for row in rows:
            self._output.write(dumps(row))
            written += 1
        if not written:
            raise ValueError("a row that became nothing must be dropped with a reason")
        self.rows_passed += 1
        self.rows_written += written

    def drop(self, row: Mapping[str, Any], reason: str, **what: Any) -> None:
        """Set a row aside: it goes to the dropped file as {"id", "reason", **row, **what}."""
        self.reasons[reason] += 1
        self._dropped.write(dumps({"id": row.get("id"), "reason": reason} | dict(row) | what | {"reason": reason}))

    def note(self, key: str, value: Any) -> None:
        """Add a figure of interest to the counts file."""
        self._notes[key] = value

    def counts(self) -> dict[str, Any]:
        """The content of the counts file."""
        return {
            "stage": self.name,
            "read": self.rows_read,
            "passed": self.rows_passed,
            "written": self.rows_written,
            "dropped": dict(sorted(self.reasons.items())),
        } | self._notes

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
        files = (self._output, self._dropped, self._counts)
        try:
            if kind is None:
                self._check_conservation()
                self._counts.write(orjson.dumps(self.counts(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
                for file in files:
                    file.commit()
        finally:
            for file in files:
                file.discard()
