"""From raw rows of forum threads to rows of `raw_aops_data.jsonl`: one chunk at a time, in whatever process."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from omr.files.jsonl import dumps
from omr.files.tables import MISSING, value_at
from omr.threads.files import SOURCE_PREFIX, THREAD_COLUMNS, Chunk, ThreadColumns
from omr.threads.names import Ending, endings, strip_thread
from omr.threads.posts import build_discussion, clean_post, thread_id
from omr.threads.stackexchange import AnswerFields, best_first, fault_of_answers, plain_text
from omr.threads.token_counts import TokenCounter

# Of an unreadable line the dropped file shows the beginning: a line may be as long as the file.
_SHOWN_CHARACTERS = 2000


class Passed(NamedTuple):
    """A row that is fine: its place in the input, its id, the lines to write (the thread; where it comes from), the
    columns of its origin that it has, what was taken out of it, and its posts by what became of them."""

    line: int
    id: str
    encoded: bytes
    origin: bytes
    columns_there: tuple[str, ...]
    taken: Counter[str]
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
    id: str
    post: str
    answers: list[str]
    authors: list[str | None]
    row: dict[str, Any]


class ChunkResult(NamedTuple):
    """The rows of a chunk, in order."""

    file: str
    rows: list[Passed | Refused]


class ThreadBuilder:
    """Turns chunks of raw threads into output rows; `counter` measures discussions against `max_tokens`.

    `fields` say how answers of a Stack Exchange dump are written; None: the posts are plain texts, of a forum.
    `strips_names` takes names, mail addresses and signatures out, see omr/threads/names.py; then no author is told.
    `license` is that of threads whose columns tell none.
    """

    def __init__(
        self,
        counter: TokenCounter,
        max_tokens: int,
        columns: ThreadColumns = THREAD_COLUMNS,
        *,
        fields: AnswerFields | None = None,
        strips_names: bool = False,
        license: str | None = None,
    ) -> None:
        self._counter = counter
        self._max_tokens = max_tokens
        self.columns = columns
        self._fields = fields
        self._strips_names = strips_names
        self._license = license
        #: Endings of posts that are signatures; known after all threads were looked through.
        self.repeated: frozenset[int] = frozenset()

    def __call__(self, chunk: Chunk) -> ChunkResult:
        """Every row of a chunk, built or refused with a reason; blank lines are no rows."""
        lines = enumerate(chunk.data.split(b"\n"), chunk.first_line)
        return ChunkResult(
            chunk.file, [self._build(number, line) for number, line in lines if line and not line.isspace()]
        )

    def _build(self, number: int, line: bytes) -> Passed | Refused:
        row = _parsed(number, line)
        thread = row if isinstance(row, Refused) else self._read(number, row)
        if isinstance(thread, Refused):
            return thread
        post, answers, taken = thread.post.replace("\0", ""), thread.answers, Counter[str]()
        origin = {field: told(value_at(thread.row, path)) for field, path in self.columns.origins}
        if self._license is not None:
            origin["license"] = origin.get("license") or self._license
        clean: Callable[[str], str] = clean_post
        if self._strips_names:
            cleaned = [clean_post(answer) for answer in answers]
            author = self._author(thread)
            post, answers, taken = strip_thread(post, cleaned, author, thread.authors, answers, self.repeated)
            origin.pop("author", None)
            clean = str.strip
        discussion = build_discussion(answers, self._max_tokens, self._counter, clean)
        sources = {} if self._strips_names else _sources(thread.row)
        text = {"id": thread.id, "forum_post": post, "forum_discussions": discussion.text, **sources}
        light = {"id": thread.id, **origin, "posts": discussion.posts_kept}
        there = tuple(field for field, path in self.columns.origins if value_at(thread.row, path) is not MISSING)
        return Passed(number, thread.id, dumps(text), dumps(light), there, taken, *discussion[1:])

    def endings(self, chunk: Chunk) -> list[Ending]:
        """How the posts of a chunk end whose authors are known, see `Endings`."""
        found: list[Ending | None] = []
        for line in filter(None, chunk.data.split(b"\n")):
            row = _parsed(0, line)
            thread = row if isinstance(row, Refused) else self._read(0, row)
            if not isinstance(thread, Refused):
                cleaned = [clean_post(answer) for answer in thread.answers]
                found += endings(thread.post.replace("\0", ""), cleaned, self._author(thread), thread.authors)
        return [ending for ending in found if ending is not None]

    def _author(self, thread: _Thread) -> str | None:
        """Who wrote the first post; a column that lists those who answered does not say it."""
        path = dict(self.columns.origins).get("author")
        author = None if path is None else value_at(thread.row, path)
        return author.strip() or None if isinstance(author, str) else None

    def _read(self, number: int, row: dict[str, Any]) -> _Thread | Refused:
        """Check one row; null answers stand for none, a null among them for an empty one."""
        columns = self.columns
        post, answers = (value_at(row, path) for path in columns.required)
        if isinstance(answers, str) and columns.answers != THREAD_COLUMNS.answers and self._fields is None:
            answers = [answers]  # a column that config names may hold the one post that follows
        fault = _fault_of(row, post, answers, columns, self._fields)
        if fault is not None:
            return Refused(number, *fault)
        authors = None if columns.post_authors is None else value_at(row, columns.post_authors)
        if self._fields is None:
            texts = _texts(answers)
            return _Thread(thread_id(post, texts), post, texts, _authors(authors), row)
        identity = thread_id(post, _texts([answer.get(self._fields.text) for answer in answers or ()]))
        ranked = best_first(answers, self._fields)
        text, texts = plain_text(post), [plain_text(answer.text) for answer in ranked]
        if not text.replace("\0", "").strip():
            return Refused(number, "empty_post", f"{columns.post} holds no text")
        return _Thread(identity, text, texts, [answer.author for answer in ranked], row)


def _parsed(number: int, line: bytes) -> dict[str, Any] | Refused:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        shown = line[: 4 * _SHOWN_CHARACTERS].decode(errors="replace")[:_SHOWN_CHARACTERS]
        return Refused(number, "unreadable_json", str(error), shown)
    if not isinstance(row, dict):
        return Refused(number, "wrong_type", f"a JSON object was expected, not {_type_name(row)}")
    return row


def _fault_of(
    row: dict[str, Any], post: Any, answers: Any, columns: ThreadColumns, fields: AnswerFields | None
) -> tuple[str, str] | None:
    """(reason, detail) for a parsed row that is no thread."""
    for name, value in zip(columns.required, (post, answers), strict=True):
        if value is MISSING:
            return "missing_column", f"no {name}; it has: {', '.join(row) or 'nothing'}"
    if not isinstance(post, str):
        return "wrong_type", f"{columns.post} must be a string, not {_type_name(post)}"
    fault = _fault_of_posts(answers) if fields is None else fault_of_answers(answers, fields)
    if fault is not None:
        return "wrong_type", f"{columns.answers} {fault}"
    if not post.replace("\0", "").strip():
        return "empty_post", f"{columns.post} is blank"
    return None


def _fault_of_posts(answers: Any) -> str | None:
    if not isinstance(answers, list | None):
        return f"must be a list of strings, not {_type_name(answers)}"
    wrong = next((answer for answer in answers or () if not isinstance(answer, str | None)), None)
    return None if wrong is None else f"must hold strings, not {_type_name(wrong)}"


def told(value: Any) -> str | None:
    """What a column says of an origin, as text: of a list all that its elements say; None where it says nothing."""
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(filter(None, map(told, value)))) or None
    if isinstance(value, str):
        return value.replace("\0", "").strip() or None
    return str(value) if _is_plain(value) else None


def _authors(value: Any) -> list[str | None]:
    listed = value if isinstance(value, list) else []
    return [author if isinstance(author, str) else None for author in listed]


def _texts(answers: list[str | None] | None) -> list[str]:
    return [answer or "" for answer in answers or ()]


def _sources(row: dict[str, Any]) -> dict[str, Any]:
    """The fields that tell where a thread comes from, sorted: so columns in any order give the same bytes."""
    return {name: row[name] for name in sorted(row) if name.startswith(SOURCE_PREFIX) and _is_plain(row[name])}


def _is_plain(value: Any) -> bool:
    return type(value) in (str, int) or (type(value) is float and math.isfinite(value))


def _type_name(value: Any) -> str:
    return "null" if value is None else type(value).__name__
