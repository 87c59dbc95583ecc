"""Problems in the same notation, and which of them is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omr.files.hash_table import HashTable
from omr.files.notation import notation

Row = dict[str, Any]


class Duplicates:
    """Decides among rows of equal problems: the first row with an answer is kept, else the first row.

    An answer that was found is worth more than a place in the file. Memory: hashes of all problems (16 to 24 bytes
    each) and, for those that occur more than once, the id of the row that is kept.
    """

    def __init__(self) -> None:
        self._seen = HashTable()
        self._repeated: set[int] = set()
        self._kept: dict[int, str] = {}

    def note_problem(self, row: Row) -> None:
        """First pass, over all rows in any order."""
        hashed = hash(notation(row["problem"]))
        known = len(self._seen)
        if self._seen.add(hashed) < known:
            self._repeated.add(hashed)

    def note_answers(self, rows: Iterable[Row]) -> None:
        """Second pass, over the rows that may have an `expected_answer`, in order."""
        if not self._repeated:
            return
        for row in rows:
            if row["expected_answer"] is not None:
                hashed = hash(notation(row["problem"]))
                if hashed in self._repeated:
                    self._kept.setdefault(hashed, row["id"])

    def kept_instead_of(self, row: Row) -> str | None:
        """Third pass, over all rows in order: None for a row to keep, or the id of the row that is kept instead."""
        hashed = hash(notation(row["problem"]))
        if hashed not in self._repeated:
            return None
        kept = self._kept.setdefault(hashed, row["id"])
        return None if kept == row["id"] else kept
