"""Errors that a user can act on, and how a command shows them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


class UserError(Exception):
    """Something the user can mend: says what is wrong, where, and what to do.

    Attributes: `what` (one sentence), `file`, `line` (1-based), `remedy` (one sentence).
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.file = file
        self.line = line
        self.remedy = remedy

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file}:"
        if self.line is not None:
            place += f"{self.line}:"
        message = f"{place} {self.what}".strip()
        return message if self.remedy is None else f"{message}\n  remedy: {self.remedy}"


def run_command(main: Callable[[], int]) -> int:
    """Run a command's `main`; a `UserError` becomes a message on stderr and exit status 2."""
    try:
        return main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of our output left (`| head`): nothing to report.
        sys.stderr.close()
        return 1
