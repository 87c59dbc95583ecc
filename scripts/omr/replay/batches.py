"""The batch API of a hosted model: files of requests that are answered some time later, in any order.

    POST /v1/files                 multipart: purpose `batch`, a file of lines {"custom_id", "method", "url", "body"}
    GET  /v1/files/{id}/content
    POST /v1/batches               {"input_file_id", "endpoint", "completion_window", "metadata"}
    GET  /v1/batches, /v1/batches/{id}

A batch has its end after it was looked at `looks` times. Each line is a request whose id is its `custom_id`: replies
are found and faults strike by that. Calls of this API are requests too, for faults and counts: `batch/upload`,
`batch/create`, `batch/list`, `batch/look`, `batch/download`; the check of an input file is `batch/validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

#: A line's status, body, and whether it expires or is left out: what one request of a batch comes to.
AnswerLine = Callable[[str, Any], "Outcome"]


class Outcome(NamedTuple):
    """What becomes of a line: `kind` is `answered`, or the kind of the fault that strikes it."""

    kind: str = "answered"
    status: int = 200
    body: Any = None


@dataclass
class _Batch:
    id: str
    input_file: str
    metadata: Any
    window: str
    looks: int
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    output_file: str | None = None
    error_file: str | None = None


class Batches:
    """Files and batches in memory; `looks`: how often one is seen at work, `most_lines`: of one file."""

    def __init__(self, answer: AnswerLine, looks: int, most_lines: int) -> None:
        self._answer, self._looks, self._most_lines = answer, looks, most_lines
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, _Batch] = {}

    def upload(self, content: bytes) -> dict[str, Any]:
        """The object of a new file."""
        return self._file(self._add_file(content))

    def _add_file(self, content: bytes) -> str:
        number = f"file-{len(self.files)}"
        self.files[number] = content
        return number

    def _file(self, number: str) -> dict[str, Any]:
        size = len(self.files[number])
        return {"id": number, "object": "file", "bytes": size, "purpose": "batch", "filename": f"{number}.jsonl"}

    def create(self, asked: dict[str, Any], fault: str | None) -> dict[str, Any] | None:
        """The object of a new batch; None if there is no such file. With a `fault` its input is found wrong."""
        content = self.files.get(str(asked.get("input_file_id")))
        if content is None:
            return None
        number = f"batch-{len(self.batches)}"
        window = str(asked.get("completion_window"))
        batch = _Batch(number, str(asked["input_file_id"]), asked.get("metadata"), window, self._looks)
        self.batches[number] = batch
        lines = content.splitlines()
        if fault is not None or len(lines) > self._most_lines:
            batch.errors = [_validation(fault or "too many requests in the file", None)]
            return self.shown(batch, looked=False)
        for line, text in enumerate(lines, 1):
            asked_line = orjson.loads(text)
            name, body = asked_line["custom_id"], asked_line["body"]
            outcome = self._answer(name, body)
            if outcome.kind == "invalid" or not isinstance(body.get("messages"), list):
                batch.errors.append(_validation("the body is no request", line))
            batch.outcomes.append((name, outcome))
        return self.shown(batch, looked=False)

    def shown(self, batch: _Batch, looked: bool = True) -> dict[str, Any]:
        """A batch's object, one look nearer to its end."""
        if looked:
            batch.looks -= 1
        is_over = batch.looks < 0
        status = "in_progress"
        if batch.errors:
            status = "failed" if is_over else "validating"
        elif is_over:
            self._finish(batch)
            status = "expired" if any(outcome.kind == "expire" for _, outcome in batch.outcomes) else "completed"
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": batch.input_file,
            "completion_window": batch.window,
            "status": status,
            "errors": {"object": "list", "data": batch.errors} if batch.errors and is_over else None,
            "output_file_id": batch.output_file,
            "error_file_id": batch.error_file,
            "metadata": batch.metadata,
            "request_counts": {"total": len(batch.outcomes), "completed": 0, "failed": 0},
        }

    def _finish(self, batch: _Batch) -> None:
        """Write the files of results, in an order that has nothing to do with that of the requests."""
        if batch.output_file is not None or batch.error_file is not None:
            return
        good: list[bytes] = []
        bad: list[bytes] = []
        for name, outcome in sorted(batch.outcomes, key=lambda pair: blake2b(pair[0].encode()).digest()):
            if outcome.kind == "skip":
                continue
            if outcome.kind == "garble":
                good.append(b'{"custom_id": "' + name.encode() + b'", "response": {"status_code": 200, "bo\xff')
                continue
            (good if outcome.kind == "answered" and outcome.status == 200 else bad).append(_line(name, outcome))
        batch.output_file = self._add_file(b"".join(line + b"\n" for line in good)) if good else None
        batch.error_file = self._add_file(b"".join(line + b"\n" for line in bad)) if bad else None

    def listed(self, after: str | None, limit: int) -> dict[str, Any]:
        """A page of all batches, the newest first."""
        numbers = list(reversed(self.batches))
        start = numbers.index(after) + 1 if after in self.batches else 0
        page = [self.shown(self.batches[number], looked=False) for number in numbers[start : start + limit]]
        return {"object": "list", "data": page, "has_more": start + limit < len(numbers)}


def _line(name: str, outcome: Outcome) -> bytes:
    if outcome.kind == "expire":
        error = {"code": "batch_expired", "message": "This request could not be executed before the window expired."}
        return orjson.dumps({"id": f"line-{name}", "custom_id": name, "response": None, "error": error})
    response = {"status_code": outcome.status, "request_id": f"req-{name}", "body": outcome.body}
    return orjson.dumps({"id": f"line-{name}", "custom_id": name, "response": response, "error": None})


def _validation(message: str, line: int | None) -> dict[str, Any]:
    code = message if message.isidentifier() else "invalid_request"
    return {"code": code, "message": message, "param": None, "line": line}
