"""The four classes of a problem, read from the replies to the four prompts that ask for them."""

from __future__ import annotations

from collections import Counter

from omr.replies import ReplyIndex, usable_text
from omr.routing import CLASS_FIELDS
from omr.verdicts import parse_class

_UNREADABLE = "unreadable_verdict"


class ClassReader:
    """Reads classes from replies, and counts the verdicts and why others could not be read.

    `verdicts` has, by field, how many are `true`, `false`, `null`; `faults`, by field, how many nulls of which reason:
    those of `usable_text`, and `unreadable_verdict`.
    """

    def __init__(self, replies: ReplyIndex) -> None:
        self._replies = replies
        self._questions = [(field, f"classify_{label}", label) for field in CLASS_FIELDS for label in [field[3:]]]
        self._verdicts = {field: Counter[bool | None]() for field in CLASS_FIELDS}
        self._faults = {field: Counter[str]() for field in CLASS_FIELDS}

    def read(self, row_id: str) -> dict[str, bool | None]:
        """The classes of a problem: {"is_proof", "is_mcq", "is_binary", "is_invalid"}."""
        return {field: self._verdict(row_id, field, prompt, label) for field, prompt, label in self._questions}

    def _verdict(self, row_id: str, field: str, prompt: str, label: str) -> bool | None:
        text, fault = usable_text(self._replies.get(row_id, prompt))
        verdict = None if text is None else parse_class(text, label)
        self._verdicts[field][verdict] += 1
        if verdict is None:
            self._faults[field][fault or _UNREADABLE] += 1
        return verdict

    @property
    def verdicts(self) -> dict[str, dict[str, int]]:
        names = {"true": True, "false": False, "null": None}
        return {field: {name: found[value] for name, value in names.items()} for field, found in self._verdicts.items()}

    @property
    def faults(self) -> dict[str, dict[str, int]]:
        return {field: dict(sorted(found.items())) for field, found in self._faults.items() if found}
