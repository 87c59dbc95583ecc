"""The four classes of a problem, read from the replies to the four prompts that ask for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from omr.parsers.readable import is_settled
from omr.parsers.verdicts import parse_class
from omr.replies.reply import Reply, usable_text
from omr.replies.verdicts import Readable, Verdicts
from omr.stages.routing import CLASS_FIELDS
from omr.stages.stage import Stage

_UNREADABLE = "unreadable_verdict"
#: Field -> its prompt; prompt -> the label of its verdict.
_PROMPTS = {field: f"classify_{field.removeprefix('is_')}" for field in CLASS_FIELDS}
_LABELS = {prompt: prompt.removeprefix("classify_") for prompt in _PROMPTS.values()}
_NO_REPLY = Readable(None, "no_reply", is_readable=False)
_OTHER = Readable(None, None, is_readable=True)
_NAMES: dict[object, str] = {True: "true", False: "false", None: "null"}
#: Most replies are the bare label in one of a few spellings.
_SHORT = 60


class ClassReader:
    """Reads classes from files of replies, and counts the verdicts and why others could not be read."""

    def __init__(self, replies: Iterable[str | Path]) -> None:
        self._replies = Verdicts(replies, _read)
        self._seen = {field: Counter[Readable]() for field in CLASS_FIELDS}

    def read(self, row_id: str) -> dict[str, bool | None]:
        """The classes of a problem: {"is_proof", "is_mcq", "is_binary", "is_invalid"}."""
        classes: dict[str, bool | None] = {}
        for field, prompt in _PROMPTS.items():
            found = self._replies.get(row_id, prompt) or _NO_REPLY
            self._seen[field][found] += 1
            classes[field] = None if found.verdict is None else bool(found.verdict)
        return classes

    def note_counts(self, stage: Stage) -> None:
        """Notes `verdicts`, how many are true, false, null by field, and `unreadable`, how many nulls of which reason:
        those of `usable_text`, and `unreadable_verdict`; and what was asked again."""
        verdicts = {field: dict.fromkeys(_NAMES.values(), 0) for field in CLASS_FIELDS}
        faults = {field: Counter[str]() for field in CLASS_FIELDS}
        for field, found in self._seen.items():
            for (verdict, fault, _), number in found.items():
                verdicts[field][_NAMES[verdict]] += number
                if verdict is None:
                    faults[field][fault or _UNREADABLE] += number
        stage.note("verdicts", verdicts)
        stage.note("unreadable", {field: dict(sorted(found.items())) for field, found in faults.items() if found})
        self._replies.note_counts(stage)


def _read(reply: Reply) -> Readable:
    label = _LABELS.get(reply["prompt"])
    if label is None:
        return _OTHER
    text = reply["text"]
    if reply["error"] is None and reply["finish_reason"] == "stop" and isinstance(text, str) and len(text) <= _SHORT:
        return _read_short(text, label)
    return _of_text(reply, label)


@lru_cache(maxsize=4096)
def _read_short(text: str, label: str) -> Readable:
    return _of_text({"error": None, "finish_reason": "stop", "text": text}, label)


def _of_text(reply: Reply, label: str) -> Readable:
    text, fault = usable_text(reply)
    verdict = None if text is None else parse_class(text, label)
    return Readable(verdict, fault, is_settled(verdict, fault))
