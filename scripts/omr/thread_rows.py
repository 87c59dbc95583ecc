"""From raw rows of forum threads to rows of `raw_aops_data.jsonl`: one chunk at a time, in whatever process."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from omr.jsonl import dumps
from omr.thread_files import ANSWERS, POST, SOURCE_PREFIX, Chunk
from omr.threads import build_discussion, thread_id
from omr.token_counts import TokenCounter

# Of an unreadable line the dropped file shows the beginning: a line may be as long as the file.
_SHOWN_CHARACTERS = 2000


class Passed(NamedTuple):
    """A row that is fine: its place in the input, its id, and the line to write."""

    line: int
    id: str
    encoded: bytes


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


@dataclass
class ChunkResult:
    """The rows of a chunk in order, and sums over them (`posts_kept`, `posts_empty`, ...)."""

    file: str
    rows: list[Passed | Refused] = field(default_factory=list)
    sums: Counter[str] = field(default_factory=Counter)


class ThreadBuilder:
    """Turns chunks of raw threads into output rows; `counter` measures discussions against `max_tokens`."""

    def __init__(self, counter: TokenCounter, max_tokens: int) -> None:
        self._counter = counter
        self._max_tokens = max_tokens

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Every row of a chunk, built or refused with a reason."""
        result = ChunkResult(chunk.file)
        raw_rows = _arrow_rows(chunk) if chunk.is_arrow else _json_rows(chunk, result.sums)
        for line, raw in raw_rows:
            thread = raw._replace(line=line) if isinstance(raw, Refused) else _read_thread(line, raw)
            result.rows.append(thread if isinstance(thread, Refused) else self._build(line, thread, result.sums))
        return result

    def _build(self, line: int, thread: _Thread, sums: Counter[str]) -> Passed:
        discussion = build_discussion(thread.answers, self._max_tokens, self._counter)
        sums["posts_kept"] += discussion.posts_kept
        sums["posts_empty"] += discussion.posts_empty
        sums["posts_left_out"] += discussion.posts_left_out
        sums["threads_shortened"] += discussion.posts_left_out > 0
        identity = thread_id(thread.post, thread.answers)
        row = {
            "id": identity,
            "forum_post": thread.post.replace("\0", ""),
            "forum_discussions": discussion.text,
            **thread.sources,
        }
        return Passed(line, identity, dumps(row))


def _json_rows(chunk: Chunk, sums: Counter[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(chunk.data.split(b"\n"), chunk.first_line):
        if not line or line.isspace():
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as error:
            shown = line[: 4 * _SHOWN_CHARACTERS].decode(errors="replace")[:_SHOWN_CHARACTERS]
            yield number, Refused(number, "unreadable_json", str(error), shown)


def _arrow_rows(chunk: Chunk) -> Iterator[tuple[int, Any]]:
    import pyarrow as pa

    with pa.ipc.open_stream(chunk.data) as stream:
        for batch in stream:
            yield from enumerate(_python_rows(batch), chunk.first_line)


def _python_rows(batch: Any) -> list[Any]:
    try:
        return list(batch.to_pylist())
    except UnicodeDecodeError:
        # Parquet does not check that its texts are UTF-8. Only the rows that are not are lost.
        if batch.num_rows > 1:
            return [row for index in range(batch.num_rows) for row in _python_rows(batch.slice(index, 1))]
        return [Refused(0, "unreadable_text", "not valid UTF-8")]


def _read_thread(line: int, raw: Any) -> _Thread | Refused:
    """Check one parsed row; null answers stand for none, a null among them for an empty one."""
    if not isinstance(raw, dict):
        return Refused(line, "wrong_type", f"a JSON object was expected, not {_type_name(raw)}")
    for name in (POST, ANSWERS):
        if name not in raw:
            return Refused(line, "missing_column", f"no {name}; it has: {', '.join(raw) or 'nothing'}")
    post, answers = raw[POST], raw[ANSWERS]
    if not isinstance(post, str):
        return Refused(line, "wrong_type", f"{POST} must be a string, not {_type_name(post)}")
    if answers is not None and not isinstance(answers, list):
        return Refused(line, "wrong_type", f"{ANSWERS} must be a list of strings, not {_type_name(answers)}")
    texts = _texts(answers or [])
    if texts is None:
        return Refused(line, "wrong_type", f"{ANSWERS} must hold nothing but strings")
    if not post.replace("\0", "").strip():
        return Refused(line, "empty_post", f"{POST} is blank")
    return _Thread(post, texts, _sources(raw))


def _texts(answers: Sequence[Any]) -> list[str] | None:
    texts = ["" if answer is None else answer for answer in answers]
    return texts if all(type(text) is str for text in texts) else None


def _sources(raw: dict[str, Any]) -> dict[str, Any]:
    """The fields that tell where a thread comes from, sorted: so columns in any order give the same bytes."""
    return {name: raw[name] for name in sorted(_source_names(raw)) if _is_plain(raw[name])}


def _source_names(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(SOURCE_PREFIX)]


def _is_plain(value: Any) -> bool:
    return type(value) in (str, int) or (type(value) is float and math.isfinite(value))


def _type_name(value: Any) -> str:
    return "null" if value is None else type(value).__name__
