"""What the replay server was asked and what it answered, kept in memory and, on demand, in a file.

The file has a JSON line per event, written through at once: `{"event": "received", "id", "attempt"}` for every request
and `{"event": "answered", "id", "attempt"}` when a whole, right reply has been handed to the network. A server that
starts with a file of earlier events goes on counting from there.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from omr.errors import UserError

_LINE_START = b'{"event":"'


class RequestCounts:
    """Counts by request id; `received_ids` in order of arrival, `in_flight` now and `peak_in_flight` at most."""

    def __init__(self, file: str | Path | None = None) -> None:
        self.received: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.received_ids: list[str] = []
        self.in_flight = 0
        self.peak_in_flight = 0
        self.idle = asyncio.Event()  # set while nothing is in flight
        self.idle.set()
        self._file: int | None = None
        if file is not None:
            self._open(Path(file))

    def _open(self, path: Path) -> None:
        try:
            earlier = path.read_bytes() if path.exists() else b""
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise UserError(f"cannot count there: {error.strerror}", file=path, remedy="choose another file") from error
        *whole, torn = earlier.split(b"\n")
        if torn:
            # A line that a kill tore: it counts for nothing, and the next one must not be glued to it.
            os.write(self._file, b"\n")
        for number, line in enumerate(whole, 1):
            self._replay(line, path, number)

    def _replay(self, line: bytes, path: Path, number: int) -> None:
        try:
            event = orjson.loads(line)
            kind = event["event"]
            if kind == "received":
                self._note_received(event["id"])
            elif kind == "answered":
                self.answered[event["id"]] += 1
            elif kind == "reset":
                self._forget()
        except (orjson.JSONDecodeError, TypeError, KeyError) as error:
            if _LINE_START.startswith(line[: len(_LINE_START)]):
                return  # a torn line that a later server has ended
            remedy = "give --count-file a file of its own"
            raise UserError("not a line of counts", file=path, line=number, remedy=remedy) from error

    def _write(self, event: str, **what: Any) -> None:
        if self._file is not None:
            # One unbuffered write per line: a kill of this process loses nothing that was counted.
            os.write(self._file, orjson.dumps({"event": event} | what, option=orjson.OPT_APPEND_NEWLINE))

    def _note_received(self, request_id: str) -> None:
        self.received[request_id] += 1
        self.received_ids.append(request_id)

    def begin(self, request_id: str) -> int:
        """Count a request that arrived; returns how often its id has been asked, this time included."""
        self._note_received(request_id)
        attempt = self.received[request_id]
        self._write("received", id=request_id, attempt=attempt)
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self.idle.clear()
        return attempt

    def answer(self, request_id: str, attempt: int) -> None:
        """Count a whole, right reply that has been sent."""
        self.answered[request_id] += 1
        self._write("answered", id=request_id, attempt=attempt)

    def end(self) -> None:
        """A request is no longer in flight, however it ended."""
        self.in_flight -= 1
        if self.in_flight == 0:
            self.idle.set()

    def reset(self) -> None:
        """Forget what was counted; requests in flight stay so."""
        self._forget()
        self._write("reset")

    def _forget(self) -> None:
        self.received.clear()
        self.answered.clear()
        self.received_ids.clear()
        self.peak_in_flight = self.in_flight

    def as_json(self) -> dict[str, Any]:
        """The body of GET /requests."""
        return {
            "received": dict(self.received),
            "answered": dict(self.answered),
            "total_received": self.received.total(),
            "total_answered": self.answered.total(),
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
        }

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
