"""What was submitted to a host's batch API and not fetched yet: known to the next run, whatever happens to this one.

Beside the output `X.jsonl` lies `X.jsonl.batches`, written and read under the lock of the reply store, a line for each
thing that happens: {"event": "uploaded", "name", "file", "keys", "at"} before a batch is submitted, {"event":
"submitted", "name", "batch"} when the host has told its id, {"event": "closed", "name", "why"} when its results are
stored, or there will be none. A batch that was uploaded, and of which no id is known, may have been submitted: it is
looked for at the host, by its name and its file, before it is submitted again. When nothing is open any more and the
output appears, the file is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from omr.errors import UserError
from omr.files.appended import AppendedFile
from omr.files.jsonl import dumps, parse_row


@dataclass
class Submission:
    """One batch: the keys of its requests, its input file at the host, and its id there, once that is known."""

    name: str
    file: str
    keys: frozenset[int]
    order: Sequence[str]  # the keys as they stand in the file, line by line
    at: float  # when it was noted, in seconds since 1970
    batch: str | None = None


class Submissions:
    """The open batches of one file of replies, in the order in which they were made (a context manager).

    `check` is called before anything is written, and may raise.
    """

    def __init__(self, output: Path, check: Callable[[], None] = lambda: None) -> None:
        self.path = _path_of(output)
        self._check = check
        self._open: dict[str, Submission] = {}
        self._file: AppendedFile | None = None

    def __enter__(self) -> Self:
        try:
            self._file = AppendedFile(self.path)
            whole = self._read()
            if self._file.size > whole:
                self._check()
                self._file.truncate(whole)
        except OSError as error:
            raise self._fault(error) from error
        return self

    def _read(self) -> int:
        """Take over what is open. Returns how many bytes are whole lines. Raises UserError for other lines."""
        whole = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    break
                row, fault = parse_row(line)
                if row is None or not self._take(row):
                    raise UserError(
                        f"a line that says nothing of a batch ({fault or 'another form'})",
                        file=self.path,
                        line=number,
                        remedy="look at the host for batches that this run has submitted, then delete this file: "
                        "batches that it names would be submitted again",
                    )
                whole += len(line)
        return whole

    def _take(self, row: dict[str, Any]) -> bool:
        event, name = row.get("event"), row.get("name")
        try:
            if event == "uploaded":
                order = row["keys"]
                keys = frozenset(int(key, 16) for key in order)
                self._open[str(name)] = Submission(str(name), str(row["file"]), keys, order, float(row["at"]))
            elif event == "submitted":
                self._open[str(name)].batch = str(row["batch"])
            elif event == "closed":
                del self._open[str(name)]
            else:
                return False
        except (KeyError, TypeError, ValueError):
            return False
        return True

    def __iter__(self) -> Iterator[Submission]:
        return iter(list(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)

    def holds(self, key: int) -> bool:
        """Whether a request is in an open batch."""
        return any(key in submission.keys for submission in self._open.values())

    def uploaded(self, file: str, order: Sequence[str]) -> Submission:
        """Note a batch that is about to be submitted; its name is like no other's, since its file is its own."""
        text = repr((file, time.time_ns(), order[:1], len(order)))
        name = blake2b(text.encode(), digest_size=12).hexdigest()
        self._write({"event": "uploaded", "name": name, "file": file, "keys": list(order), "at": int(time.time())})
        return self._open[name]

    def submitted(self, submission: Submission, batch: str) -> None:
        """Note the id that the host has given a batch."""
        self._write({"event": "submitted", "name": submission.name, "batch": batch})

    def closed(self, submission: Submission, why: str) -> None:
        """Note that nothing more is to be had from a batch; its requests that have no reply are asked again."""
        self._write({"event": "closed", "name": submission.name, "why": why[:1000]})

    def close_answered(self, is_answered: Callable[[str], bool]) -> None:
        """Close the batches all of whose requests have a reply: a job may die before it notes that."""
        for submission in self:
            if all(map(is_answered, submission.order)):
                self.closed(submission, "answered")

    def _write(self, row: dict[str, Any]) -> None:
        if self._file is None:
            raise ValueError("the submissions are not open")
        self._check()
        try:
            self._file.append(dumps(row))
            self._file.fsync()
        except OSError as error:
            raise self._fault(error) from error
        self._take(row)

    def _fault(self, error: OSError) -> UserError:
        return UserError(
            f"batches cannot be noted: {error.strerror}", file=self.path, remedy="make room, and run again"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if not self._open and kind is None:
            self.path.unlink(missing_ok=True)


def forget_answered(output: Path, is_answered: Callable[[str], bool]) -> None:
    """Forget the batches of a file of replies that has all that they were to bring."""
    if _path_of(output).exists():
        with Submissions(output) as submissions:
            submissions.close_answered(is_answered)


def _path_of(output: Path) -> Path:
    return output.with_name(output.name + ".batches")
