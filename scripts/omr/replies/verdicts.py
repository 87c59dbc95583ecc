"""What was read of each reply: for stages that need a word of it, and never its text again."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from omr.errors import UserError
from omr.files.hash_table import HashTable
from omr.files.jsonl import open_for_reading, parse_row
from omr.replies.reply import REMEDY, REPLY_FIELDS, SEEDS_PER_TRY, Reply
from omr.stages.stage import Stage

Verdict = TypeVar("Verdict", bound="Readable")


class Readable(NamedTuple):
    """What a parser made of a reply, and whether that is what its request was for; else a further try counts."""

    verdict: object
    fault: str | None
    is_readable: bool


class Verdicts(Generic[Verdict]):
    """What `read` makes of the replies in some files: they are read once, in the order of the files.

    Of two replies to the same request the later counts, and of the tries of a request the first that could be read,
    else its first (see TriedReplies, which gives the replies themselves). Memory: about 28 bytes a reply, and each
    different verdict once. Different requests are taken for one with a chance of 2^-64 per pair. Raises UserError for
    a line that is no reply.
    """

    def __init__(self, paths: Iterable[str | Path], read: Callable[[Reply], Verdict]) -> None:
        self._table = HashTable()
        self._numbers = array("I")  # of each reply's verdict
        self._found: list[Verdict] = []
        self._has_further_tries = False
        self._again: Counter[str] = Counter()
        number_of: dict[Verdict, int] = {}
        add_hash, add_number = self._table.append, self._numbers.append
        for path in paths:
            with open_for_reading(path) as handle:
                for line_number, line in enumerate(handle, 1):
                    reply, fault = parse_row(line)
                    if reply is None or not reply.keys() >= REPLY_FIELDS:
                        raise UserError(fault or "not a whole reply", file=path, line=line_number, remedy=REMEDY)
                    verdict = read(reply)
                    number = number_of.get(verdict)
                    if number is None:
                        number = number_of[verdict] = len(self._found)
                        self._found.append(verdict)
                    seed = reply["seed"]
                    add_hash(hash((reply["id"], reply["prompt"], seed)))
                    add_number(number)
                    if seed >= SEEDS_PER_TRY:
                        self._has_further_tries = True

    def get(self, row_id: str, prompt: str, seed: int = 0) -> Verdict | None:
        """What was read of the reply to (row, prompt, seed); None if there is none."""
        first = self._of(row_id, prompt, seed)
        if not self._has_further_tries or first is None or first.is_readable:
            return first
        looked_at = 0
        while (verdict := self._of(row_id, prompt, seed + (looked_at + 1) * SEEDS_PER_TRY)) is not None:
            looked_at += 1
            if verdict.is_readable:
                self._again.update(replies=looked_at, recovered=1)
                return verdict
        self._again.update(replies=looked_at)
        return first

    def _of(self, row_id: str, prompt: str, seed: int) -> Verdict | None:
        entry = self._table.newest(hash((row_id, prompt, seed)))
        return None if entry is None else self._found[self._numbers[entry]]

    def note_counts(self, stage: Stage) -> None:
        """Notes `asked_again` as TriedReplies does."""
        if self._again["replies"]:
            stage.note("asked_again", {name: self._again[name] for name in ("replies", "recovered")})
