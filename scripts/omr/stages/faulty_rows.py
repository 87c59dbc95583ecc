"""Rows of an input file that cannot be used: how many there are, why, and when they are too many."""

from __future__ import annotations

from collections import Counter

from omr.errors import UserError

# A file that is plainly of something else is not read to its end: more than this many unusable rows, and most of them.
_EARLY_ROWS, _EARLY_FRACTION = 1000, 0.5
_SHOWN_FAULTS = 5


class FaultyRows:
    """Keeps count of the rows that cannot be used, and stops the run when they are too many. `allow` says how more of
    them are allowed."""

    def __init__(self, max_fraction: float, allow: str) -> None:
        self._max_fraction = max_fraction
        self._allow = allow
        self._reasons: Counter[str] = Counter()
        self._first: list[tuple[str, int, str]] = []

    def add(self, file: str, line: int, reason: str, detail: str) -> None:
        """Note a row of a file that cannot be used."""
        self._reasons[reason] += 1
        if len(self._first) < _SHOWN_FAULTS:
            self._first.append((file, line, f"{reason}: {detail}"))

    def check(self, rows_read: int, *, at_end: bool) -> None:
        """Raises UserError when the rows read so far do not look like what is wanted, at the end when too many do
        not."""
        count = self._reasons.total()
        if at_end:
            too_many = count > self._max_fraction * rows_read
        else:
            too_many = count > _EARLY_ROWS and count > max(_EARLY_FRACTION, self._max_fraction) * rows_read
        if too_many:
            raise self._error(rows_read)

    def _error(self, rows_read: int) -> UserError:
        count = self._reasons.total()
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(self._reasons.items()))
        first = "".join(f"\n  {file}:{line}: {fault}" for file, line, fault in self._first)
        file, line, _ = self._first[0]
        return UserError(
            f"{count} of the first {rows_read} rows cannot be used ({reasons}), more than the fraction "
            f"{self._max_fraction:g} that is allowed; the first ones:{first}",
            file=file,
            line=line,
            remedy=f"mend or remove these rows, or allow more with {self._allow}: they are dropped and listed",
        )
