"""Replies of requests that were asked again because the first could not be read: the first readable one counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from omr.replies.reply import SEEDS_PER_TRY, Reply, ReplyIndex
from omr.stages.stage import Stage

#: Says of a reply whether its parser can read it; also of replies that are no replies of the kind it knows.
IsReadable = Callable[[Reply], bool]


class TriedReplies(ReplyIndex):
    """Replies of a labelling stage, whose `get` gives the first readable try of a request, or else its first try.

    Which try that is follows from the stored replies and the parser alone: a better parser finds more in them without
    asking a model.
    """

    def __init__(self, paths: Iterable[str | Path], is_readable: IsReadable) -> None:
        super().__init__(paths)
        self._is_readable = is_readable
        self._again: Counter[str] = Counter()

    def get(self, row_id: str, prompt: str, seed: int = 0) -> Reply | None:
        """The reply to (row, prompt, seed); None if there is none."""
        first = super().get(row_id, prompt, seed)
        if not self.has_further_tries:
            return first
        tries = list(self._further_tries(row_id, prompt, seed))
        if first is None or not tries or self._is_readable(first):
            return first
        for number, reply in enumerate(tries, 1):
            if self._is_readable(reply):
                self._again.update(replies=number, recovered=1)
                return reply
        self._again.update(replies=len(tries))
        return first

    def _further_tries(self, row_id: str, prompt: str, seed: int) -> Iterator[Reply]:
        while (reply := super().get(row_id, prompt, seed + SEEDS_PER_TRY)) is not None:
            yield reply
            seed += SEEDS_PER_TRY

    def note_counts(self, stage: Stage) -> None:
        """Notes `asked_again`, if any request was: {"replies": of further tries that were looked at, "recovered":
        requests that one of them made readable}."""
        if self._again["replies"]:
            stage.note("asked_again", {name: self._again[name] for name in ("replies", "recovered")})
