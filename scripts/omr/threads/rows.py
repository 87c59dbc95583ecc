"""From raw rows of forum threads to rows of `raw_aops_data.jsonl`: one chunk at a time, in whatever process."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import orjson

from omr.files.jsonl import dumps
from omr.files.tables import MISSING, value_at
from omr.threads.files import SOURCE_PREFIX, THREAD_COLUMNS, Chunk, ThreadColumns
from omr.threads.posts import build_discussion, thread_id
from omr.threads.token_counts import TokenCounter

# Of an unreadable line the dropped file shows the beginning: a line may be as long as the file.
_SHOWN_CHARACTERS = 2000


class Passed(NamedTuple):
    """A row that is fine: its place in the input, its id, the line to write, and its posts by what became of them."""

    line: int
    id: str
    encoded: bytes
    posts_kept: int
    posts_empty: int
    posts_left_out: int


class Refused(NamedTuple):
    """A row that cannot be used: its place in the input, why, and the beginning of what it was (if unreadable)."""

    line: int
    reason: str
    detail: str
    text: str | None = None


class _Thread(NamedTuple):
    post: str
    answers: list[str]
    sources: dict[str, Any]


class ChunkResult(NamedTuple):
    """The rows of a chunk, in order."""

    file: str
    rows: list[Passed | Refused]


class ThreadBuilder:
    """Turns chunks of raw threads into output rows; `counter` measures discussions against `max_tokens`."""

    def __init__(self, counter: TokenCounter, max_tokens: int, columns: ThreadColumns = THREAD_COLUMNS) -> None:
        self._counter = counter
        self._max_tokens = max_tokens
        self._columns = columns

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Every row of a chunk, built or refused with a reason; blank lines are no rows."""
        lines = enumerate(chunk.data.split(b"\n"), chunk.first_line)
        return ChunkResult(
            chunk.file, [self._build(number, line) for number, line in lines if line and not line.isspace()]
        )

    def _build(self, number: int, line: bytes) -> Passed | Refused:
        thread = _read_thread(number, line, self._columns)
        if isinstance(thread, Refused):
            return thread
        discussion = build_discussion(thread.answers, self._max_tokens, self._counter)
        identity = thread_id(thread.post, thread.answers)
        row = {
            "id": identity,
            "forum_post": thread.post.replace("\0", ""),
            "forum_discussions": discussion.text,
            **thread.sources,
        }
        return Passed(number, identity, dumps(row), *discussion[1:])


def _read_thread(number: int, line: bytes, columns: ThreadColumns) -> _Thread | Refused:
    """Parse and check one line; null answers stand for none, a null among them for an empty one."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        shown = line[: 4 * _SHOWN_CHARACTERS].decode(errors="replace")[:_SHOWN_CHARACTERS]
        return Refused(number, "unreadable_json", str(error), shown)
    if not isinstance(row, dict):
        return Refused(number, "wrong_type", f"a JSON object was expected, not {_type_name(row)}")
    post, answers = (value_at(row, path) for path in columns)
    if isinstance(answers, str) and columns.answers != THREAD_COLUMNS.answers:
        answers = [answers]  # a column that config names may hold the one post that follows
    fault = _fault_of(row, post, answers, columns)
    if fault is not None:
        return Refused(number, *fault)
    return _Thread(post, _texts(answers), _sources(row))


def _fault_of(row: dict[str, Any], post: Any, answers: Any, columns: ThreadColumns) -> tuple[str, str] | None:
    """(reason, detail) for a parsed row that is no thread."""
    for name, value in zip(columns, (post, answers), strict=True):
        if value is MISSING:
            return "missing_column", f"no {name}; it has: {', '.join(row) or 'nothing'}"
    if not isinstance(post, str):
        return "wrong_type", f"{columns.post} must be a string, not {_type_name(post)}"
    if not isinstance(answers, list | None):
        return "wrong_type", f"{columns.answers} must be a list of strings, not {_type_name(answers)}"
    for answer in answers or ():
        if not isinstance(answer, str | None):
            return "wrong_type", f"{columns.answers} must hold strings, not {_type_name(answer)}"
    if not post.replace("\0", "").strip():
        return "empty_post", f"{columns.post} is blank"
    return None


def _texts(answers: list[str | None] | None) -> list[str]:
    return [answer or "" for answer in answers or ()]


def _sources(row: dict[str, Any]) -> dict[str, Any]:
    """The fields that tell where a thread comes from, sorted: so columns in any order give the same bytes."""
    return {name: row[name] for name in sorted(row) if name.startswith(SOURCE_PREFIX) and _is_plain(row[name])}


def _is_plain(value: Any) -> bool:
    return type(value) in (str, int) or (type(value) is float and math.isfinite(value))


def _type_name(value: Any) -> str:
    return "null" if value is None else type(value).__name__
