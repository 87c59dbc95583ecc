"""The turns of solutions that are not finished: a kill repeats none of them, only code is run again.

Beside the output `X.jsonl` lies `X.jsonl.turns`, written and read under the lock of the reply store. A turn gets its
line when the model's text has arrived, before its code runs; what the code printed comes with the line of the next
turn, so an output is stored exactly when the model has seen it. When the output appears, the file is deleted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from omr.errors import UserError
from omr.files.appended import AppendedFile
from omr.files.jsonl import Fields, dumps, missing_or_mistyped, parse_row
from omr.turns.insertions import Insertion

Row = dict[str, Any]
_TURN: Fields = {
    "key": str,
    "turn": int,
    "past": str,
    "text": str,
    "usage": (dict, None),
    "ran_on": int,
    "message": (dict, None),
    "latency_s": (int, float),
}


@dataclass(frozen=True)
class Turn:
    """What the model wrote in one request, and what was inserted before it.

    `text`: cut behind a block; `inserted`: what was put before it, None where nothing was; `usage`: as the server
    counted; `ran_on`: characters behind the block, which are void; `message`: of a server that knows calls of tools,
    the message as it is to be sent back to it; `latency_s`: of the request.
    """

    text: str
    inserted: Insertion | None = None
    usage: dict[str, int] | None = None
    ran_on: int = 0
    message: dict[str, Any] | None = None
    latency_s: float = 0.0

    @property
    def before(self) -> str:
        return "" if self.inserted is None else self.inserted.text

    def as_json(self) -> Row:
        ran = None if self.inserted is None else self.inserted.as_json()
        return {"before": self.before, "ran": ran} | {
            name: value for name, value in asdict(self).items() if name != "inserted"
        }

    @classmethod
    def read(cls, row: Row) -> Turn:
        """Raises KeyError, TypeError or ValueError for a row that is no turn."""
        inserted = None if row["ran"] is None else Insertion.read(row["before"], row["ran"])
        if missing_or_mistyped(row, _TURN) or not all(type(count) is int for count in (row["usage"] or {}).values()):
            raise TypeError("no turn")
        return cls(row["text"], inserted, row["usage"], row["ran_on"], row["message"], row["latency_s"])


def past_of(key: str, turns: Sequence[Turn]) -> str:
    """A hash of all that a solution's next turn goes on from: its key, and what was written and inserted so far."""
    text = orjson.dumps([key, *([turn.before, turn.text] for turn in turns)])
    return blake2b(text, digest_size=8).hexdigest()


class TurnJournal:
    """The turns of one file of replies (a context manager, to be used within its store).

    `is_finished` tells whether the solution of a key has a reply: its turns are left out when the file is opened, with
    a torn last line, lines that are no turns, and what does not fit the turns before it. `check` is called before
    anything is written, and may raise.
    """

    def __init__(
        self,
        output: Path,
        is_finished: Callable[[str], bool],
        say: Callable[[str], None] = lambda line: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = _path_of(output)
        self._is_finished, self._say, self._check = is_finished, say, check
        self._stored: dict[str, list[Turn]] = {}
        self._file: AppendedFile | None = None  # opened when there is a turn to store
        self._odd = 0  # lines that are no turns

    def __enter__(self) -> Self:
        read = self._read() if self.path.exists() else 0
        kept = sum(map(len, self._stored.values()))
        if read:
            self._say(f"{self.path}: {kept} of {read} stored turns belong to {len(self._stored)} unfinished solutions")
        if self._odd:
            what = "line is no turn and was" if self._odd == 1 else "lines are no turns and were"
            self._say(f"warning: {self.path}: {self._odd} {what} left out, with what came after in the same solutions")
        return self

    def _read(self) -> int:
        """Take over what counts, and rewrite the file with that alone. Returns how many lines there were."""
        lines = 0
        temporary = self.path.with_name(f".{self.path.name}.tmp")
        with self.path.open("rb", buffering=1 << 20) as old, temporary.open("wb", buffering=1 << 20) as new:
            for line in old:
                lines += 1
                if line.endswith(b"\n") and self._take(line):  # else torn: a job was killed
                    new.write(line)
            new.flush()
            os.fsync(new.fileno())
        self._check()
        os.replace(temporary, self.path)
        return lines

    def _take(self, line: bytes) -> bool:
        row = parse_row(line)[0] or {}
        try:
            turn = Turn.read(row)
            key = str(row["key"])
            is_finished = self._is_finished(key)
        except (KeyError, TypeError, ValueError):
            self._odd += 1
            return False
        turns = self._stored.get(key, [])
        if is_finished or row["past"] != past_of(key, turns) or row["turn"] != len(turns):
            return False
        self._stored.setdefault(key, []).append(turn)
        return True

    def take(self, key: str) -> list[Turn]:
        """The stored turns of a solution, in their order; they are handed out once."""
        return self._stored.pop(key, [])

    def append(self, who: Row, turns: Sequence[Turn]) -> None:
        """Store the last of a solution's turns; `who` names it, with its `key`. Raises UserError if the disk does not
        take it."""
        self._check()
        *before, turn = turns
        line = dumps(who | {"turn": len(before), "past": past_of(who["key"], before)} | turn.as_json())
        try:
            if self._file is None:
                self._file = AppendedFile(self.path)
            self._file.append(line)
        except OSError as error:
            raise self._not_stored(error) from error

    def sync(self) -> None:
        """As that of the reply store."""
        self._flush(AppendedFile.sync)

    def _flush(self, flush: Callable[[AppendedFile], None]) -> None:
        try:
            if self._file is not None:
                flush(self._file)
        except OSError as error:
            raise self._not_stored(error) from error

    def _not_stored(self, error: OSError) -> UserError:
        return UserError(
            f"turns cannot be stored: {error.strerror}",
            file=self.path,
            remedy="make room or have the file system looked at, and run again: turns that were stored are kept",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._flush(AppendedFile.fsync)
        except UserError as fault:
            if kind is None:
                raise
            self._say(str(fault))  # and what ended the body is raised
        finally:
            if self._file is not None:
                self._file.close()


def forget_turns(output: Path) -> None:
    """All solutions of a file have their replies: their turns are needed no longer."""
    _path_of(output).unlink(missing_ok=True)


def _path_of(output: Path) -> Path:
    return output.with_name(output.name + ".turns")
