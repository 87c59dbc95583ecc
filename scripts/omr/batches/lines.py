"""The lines of a batch: requests in a file to upload, results in the files that the host makes of them.

Results come in any order, and nothing is believed of them: a line that cannot be read, names a request that was not
asked, or names one a second time is counted and left out; whatever has no result is asked again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from omr.asking.outcomes import TransientError
from omr.asking.reading import parse_body

#: Of one result; longer ones are none.
MAX_LINE_BYTES = 64 << 20
_BLOCK = 1 << 20
_KEY = re.compile(r"[0-9a-f]{16}")
ROUTE = "/v1/chat/completions"


def write_requests(
    path: Path, requests: Iterable[tuple[str, dict[str, Any]]], most_requests: int, most_bytes: int
) -> tuple[list[str], list[str]]:
    """Write requests (key, body) to a file until it is full; returns the keys in it, and those of requests that are too
    large for any file. What does not fit any more is left."""
    keys: list[str] = []
    too_large: list[str] = []
    size = 0
    with path.open("wb", buffering=_BLOCK) as file:
        for key, body in requests:
            line = orjson.dumps({"custom_id": key, "method": "POST", "url": ROUTE, "body": body}) + b"\n"
            if len(line) > most_bytes:
                too_large.append(key)
                continue
            if size + len(line) > most_bytes:
                break
            file.write(line)
            size += len(line)
            keys.append(key)
            if len(keys) == most_requests:
                break
    return keys, too_large


class Result(NamedTuple):
    """What a line says: the status and body of a response, or why there is none (`error`)."""

    status: int
    body: Any
    error: dict[str, Any] | None = None


class Results:
    """Where in files of results each key's line lies; the first good one of a key counts.

    `odd`: lines that say nothing of a request that `is_wanted`, by reason.
    """

    def __init__(self, paths: Iterable[Path], is_wanted: Callable[[int], bool]) -> None:
        self._paths = list(paths)
        self._places: dict[int, tuple[int, int, int]] = {}
        self.odd = Counter[str]()
        for number, path in enumerate(self._paths):
            self._scan(number, path, is_wanted)

    def _scan(self, number: int, path: Path, is_wanted: Callable[[int], bool]) -> None:
        start = 0
        with path.open("rb", buffering=_BLOCK) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                length = len(line)
                while not line.endswith(b"\n") and (more := file.readline(MAX_LINE_BYTES + 1)):
                    line, length = more, length + len(more)
                place, start = start, start + length
                if length > MAX_LINE_BYTES:
                    self.odd["too long"] += 1
                elif line.strip():
                    self._enter(line, (number, place, length), is_wanted)

    def _enter(self, line: bytes, place: tuple[int, int, int], is_wanted: Callable[[int], bool]) -> None:
        try:
            row = parse_body(line)
        except TransientError:
            self.odd["unreadable"] += 1
            return
        key = _key_of(row)
        if key is None or not is_wanted(key):
            self.odd["not asked"] += 1
        elif key in self._places:
            self.odd["repeated"] += 1
        elif result_of(row) is None:
            self.odd["without a result"] += 1
        else:
            self._places[key] = place

    def __contains__(self, key: int) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: int) -> Result | None:
        """The result of a key; None if there is none."""
        if key not in self._places:
            return None
        number, start, length = self._places[key]
        with self._paths[number].open("rb") as file:
            file.seek(start)
            return result_of(parse_body(file.read(length)))


def _key_of(row: Any) -> int | None:
    name = row.get("custom_id") if isinstance(row, dict) else None
    return int(name, 16) if isinstance(name, str) and _KEY.fullmatch(name) else None


def result_of(row: dict[str, Any]) -> Result | None:
    """What a line of results says; None if that is nothing."""
    response, error = row.get("response"), row.get("error")
    if isinstance(response, dict):
        status = response.get("status_code")
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            return Result(status, response.get("body"))
    if isinstance(error, dict) and error:
        return Result(0, None, error)
    return None
