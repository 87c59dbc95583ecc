"""Replies of requests that were asked again because the first could not be read: the first readable one counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TypeVar

from omr.replies.reply import SEEDS_PER_TRY, Reply, ReplyIndex
from omr.stages.stage import Stage

#: Says of a reply whether its parser can read it; also of replies that are no replies of the kind it knows.
IsReadable = Callable[[Reply], bool]
Try = TypeVar("Try")


class FirstReadable:
    """Chooses among the tries of each request, and counts what was asked again."""

    def __init__(self) -> None:
        self._again: Counter[str] = Counter()

    def of(self, first: Try, further: Iterator[Try], is_readable: Callable[[Try], bool]) -> Try:
        """The first try that can be read, else the first of all; `further` are those after it."""
        second = next(further, None)
        if second is None or is_readable(first):
            return first
        looked_at = 0
        for one in chain([second], further):
            looked_at += 1
            if is_readable(one):
                self._again.update(replies=looked_at, recovered=1)
                return one
        self._again.update(replies=looked_at)
        return first

    def note_counts(self, stage: Stage) -> None:
        """Notes `asked_again`, if any request was: {"replies": of further tries that were looked at, "recovered":
        requests that one of them made readable}."""
        if self._again["replies"]:
            stage.note("asked_again", {name: self._again[name] for name in ("replies", "recovered")})


class TriedReplies(ReplyIndex):
    """Replies of a labelling stage, whose `get` gives the first readable try of a request, or else its first try.

    Which try that is follows from the stored replies and the parser alone: a better parser finds more in them without
    asking a model.
    """

    def __init__(self, paths: Iterable[str | Path], is_readable: IsReadable) -> None:
        super().__init__(paths)
        self._is_readable = is_readable
        self._choice = FirstReadable()

    def get(self, row_id: str, prompt: str, seed: int = 0) -> Reply | None:
        """The reply to (row, prompt, seed); None if there is none."""
        first = super().get(row_id, prompt, seed)
        if first is None or not self.has_further_tries:
            return first
        return self._choice.of(first, self._further_tries(row_id, prompt, seed), self._is_readable)

    def _further_tries(self, row_id: str, prompt: str, seed: int) -> Iterator[Reply]:
        while (reply := super().get(row_id, prompt, seed := seed + SEEDS_PER_TRY)) is not None:
            yield reply

    def note_counts(self, stage: Stage) -> None:
        """Notes what was asked again, see FirstReadable."""
        self._choice.note_counts(stage)
