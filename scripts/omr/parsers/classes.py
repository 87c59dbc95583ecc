"""The four classes of a problem, read from the replies to the four prompts that ask for them."""

from __future__ import annotations

from collections import Counter

from omr.parsers.verdicts import parse_class
from omr.replies.reply import ReplyIndex, usable_text
from omr.stages.routing import CLASS_FIELDS
from omr.stages.stage import Stage

_UNREADABLE = "unreadable_verdict"


class ClassReader:
    """Reads classes from replies, and counts the verdicts and why others could not be read."""

    def __init__(self, replies: ReplyIndex) -> None:
        self._replies = replies
        labels = {field: field.removeprefix("is_") for field in CLASS_FIELDS}
        self._questions = [(field, f"classify_{label}", label) for field, label in labels.items()]
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

    def note_counts(self, stage: Stage) -> None:
        """Notes `verdicts`, how many are true, false, null by field, and `unreadable`, how many nulls of which reason:
        those of `usable_text`, and `unreadable_verdict`."""
        names = {"true": True, "false": False, "null": None}
        verdicts = {
            field: {name: found[value] for name, value in names.items()} for field, found in self._verdicts.items()
        }
        stage.note("verdicts", verdicts)
        stage.note("unreadable", {field: dict(sorted(found.items())) for field, found in self._faults.items() if found})
