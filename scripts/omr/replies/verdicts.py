"""What was read of each reply: for stages that need a word of it, and never its text again."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from omr.errors import UserError
from omr.files.hash_table import HashTable
from omr.files.jsonl import open_for_reading, parse_row
from omr.replies.reply import REMEDY, REPLY_FIELDS, SEEDS_PER_TRY, Reply
from omr.replies.tries import FirstReadable
from omr.stages.stage import Stage


class Readable(NamedTuple):
    """What a parser made of a reply, and whether that is what its request was for; else a further try counts."""

    verdict: object
    fault: str | None
    is_readable: bool


class Verdicts:
    """What `read` makes of the replies in some files: they are read once, in the order of the files.

    Of two replies to the same request the later counts, and of the tries of a request the first that could be read,
    else its first (see TriedReplies, which gives the replies themselves). Memory: about 28 bytes a reply, and each
    different verdict once. Different requests are taken for one with a chance of 2^-64 per pair. Raises UserError for
    a line that is no reply.
    """

    def __init__(self, paths: Iterable[str | Path], read: Callable[[Reply], Readable]) -> None:
        self._table = HashTable()
        self._numbers = array("I")  # of each reply's verdict
        self._found: list[Readable] = []
        self._has_further_tries = False
        self._choice = FirstReadable()
        number_of: dict[Readable, int] = {}
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

    def get(self, row_id: str, prompt: str, seed: int = 0) -> Readable | None:
        """What was read of the reply to (row, prompt, seed); None if there is none."""
        first = self._of(row_id, prompt, seed)
        if first is None or not self._has_further_tries:
            return first
        further = self._further_tries(row_id, prompt, seed)
        return self._choice.of(first, further, lambda found: found.is_readable)

    def _further_tries(self, row_id: str, prompt: str, seed: int) -> Iterator[Readable]:
        while (found := self._of(row_id, prompt, seed := seed + SEEDS_PER_TRY)) is not None:
            yield found

    def _of(self, row_id: str, prompt: str, seed: int) -> Readable | None:
        entries = self._table.find(hash((row_id, prompt, seed)))
        return self._found[self._numbers[entries[-1]]] if entries else None

    def note_counts(self, stage: Stage) -> None:
        """Notes `asked_again` as TriedReplies does."""
        self._choice.note_counts(stage)
