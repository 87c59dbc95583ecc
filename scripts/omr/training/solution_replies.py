"""The replies of a shard's judged solutions: opened when the first of them is needed, read ahead where all are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from omr.files.jsonl import Row
from omr.replies.reply import Name, Reply, ReplyIndex

#: The replies of a problem's solutions, by seed.
Replies = Mapping[int, Reply | None]
#: Problems from whose solutions samples are taken, the first of a shard; their replies lie in so many first bytes of
#: each file, if they are a few dozen KB long and a thousand others came before. Of a file in which each problem has
#: many it may be fewer.
SAMPLED_PROBLEMS, _HEAD_BYTES = 500, 64 << 20


class SolutionReplies:
    """Finds the replies that judged rows are about. Use as a context manager."""

    def __init__(self, paths: Sequence[Path], prompt_name: str) -> None:
        self._paths, self._prompt_name = paths, prompt_name

    @cached_property
    def _all(self) -> ReplyIndex:
        return ReplyIndex(self._paths)

    @cached_property
    def _first(self) -> ReplyIndex:
        return ReplyIndex(self._paths, head_bytes=_HEAD_BYTES)

    def _name(self, row: Row) -> Name:
        return Name(row["id"], self._prompt_name, row["seed"])

    def get(self, row: Row) -> Reply | None:
        """The reply that a judged row is about; None where it is not there. All files are read for the first one."""
        return self._all.get(*self._name(row))

    def sample(self, row: Row) -> Reply | None:
        """The same, of the first problems of a shard, for which only the beginnings of the files are read."""
        return (self._all if "_all" in vars(self) else self._first).get(*self._name(row))

    def ahead(
        self, problems: Iterable[tuple[str, list[Row]]], is_wanted: Callable[[Row], bool]
    ) -> Iterator[tuple[str, list[Row], Replies]]:
        """Problems with their judged rows, and the replies of those that are wanted; see `ReplyIndex.ahead`."""

        def names(problem: tuple[str, list[Row]]) -> list[Name]:
            return [self._name(row) for row in problem[1] if is_wanted(row)]

        for (problem_id, rows), found in self._all.ahead(problems, names):
            seeds = [row["seed"] for row in rows if is_wanted(row)]
            yield problem_id, rows, dict(zip(seeds, found, strict=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for index in ("_all", "_first"):
            if index in vars(self):
                getattr(self, index).close()
