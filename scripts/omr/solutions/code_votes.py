"""The votes of a model on fragments of code: is it new, and is it significant."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from omr.parsers.verdicts import CODE_VOTES, parse_label
from omr.replies.reply import ReplyIndex, usable_text

#: The prompts that ask, whose names are part of a reply's identity.
PROMPTS = tuple(CODE_VOTES)


class Votes(NamedTuple):
    """All votes on one fragment: `new` or `check`; `trivial`, `moderate` or `significant`; None where unreadable."""

    novelty: list[str | None]
    significance: list[str | None]


class CodeVotes:
    """The votes on fragments, `count` for each prompt; `labels` counts them all, by prompt."""

    def __init__(self, replies: ReplyIndex, count: int) -> None:
        self._replies = replies
        self._count = count
        self.labels: dict[str, Counter[str]] = {prompt: Counter() for prompt in PROMPTS}

    def of(self, fragment_id: str) -> Votes:
        return Votes(*([self._vote(fragment_id, prompt, n) for n in range(self._count)] for prompt in PROMPTS))

    def _vote(self, fragment_id: str, prompt: str, number: int) -> str | None:
        text, fault = usable_text(self._replies.get(fragment_id, prompt, number))
        label = None if text is None else parse_label(text, *CODE_VOTES[prompt])
        self.labels[prompt][label or fault or "unreadable"] += 1
        return label
