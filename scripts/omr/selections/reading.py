"""What a comparison chose, read from the reply that made it, and what a summary of it says."""

from __future__ import annotations

from typing import NamedTuple

from omr.answers.reasoning import split_reasoning
from omr.parsers.reply_text import shown_lines
from omr.parsers.verdicts import parse_selection
from omr.replies.reply import Reply, ReplyIndex, usable_text

#: The prompts of a comparison and of its summaries; their names are part of a reply's identity.
SUMMARY_PROMPT = "summarize_selection"
#: Any index that can be written: whether a group has it is another question.
_ANY_INDEX = range(10_000)
#: The verdict ends a summary; it may stand on the line below its label.
_LAST_LINES = 2


def chosen_index(reply: Reply | None, size: int) -> tuple[int, None] | tuple[None, str]:
    """(the index that a reply chose among `size` candidates, None), or (None, why there is none).

    Reasons: those of `usable_text`, `unreadable` (no verdict, or two different ones) and `out_of_range`.
    """
    text, fault = usable_text(reply)
    if text is None:
        return None, fault or "no_reply"
    index = parse_selection(text, _ANY_INDEX)
    if index is None:
        return None, "unreadable"
    return (index, None) if index < size else (None, "out_of_range")


class SelectionSummary(NamedTuple):
    """One summary of a comparison: its number, its text, and what it became.

    `right` if it ends in the verdict on the chosen index and holds no other; else why it is of no use:
    `other_index`, `unreadable`, `verdict_not_last`, and the reasons of `usable_text`.
    """

    number: int
    text: str
    became: str


class SelectionSummaries:
    """The summaries of comparisons, `count` each."""

    def __init__(self, replies: ReplyIndex, count: int) -> None:
        self._replies = replies
        self._count = count

    def of(self, group_id: str, chosen: int) -> list[SelectionSummary]:
        """All summaries of a comparison that chose the index `chosen`, by number."""
        replies = (self._replies.get(group_id, SUMMARY_PROMPT, number) for number in range(self._count))
        return [read_summary(reply, number, chosen) for number, reply in enumerate(replies)]


def read_summary(reply: Reply | None, number: int, chosen: int) -> SelectionSummary:
    """A summary from its reply, and what it is worth."""
    text, fault = usable_text(reply)
    if text is None:
        return SelectionSummary(number, "", fault or "no_reply")
    # A summarizing model may think aloud first; its reader does not see that.
    shown = split_reasoning(text)[1].strip()
    index = parse_selection(text, _ANY_INDEX)
    if index is None:
        return SelectionSummary(number, "", "unreadable")
    if index != chosen:
        return SelectionSummary(number, "", "other_index")
    if parse_selection("\n".join(shown_lines(shown)[-_LAST_LINES:]), _ANY_INDEX) != chosen:
        return SelectionSummary(number, "", "verdict_not_last")
    return SelectionSummary(number, shown, "right")


def longest_right(summaries: list[SelectionSummary]) -> SelectionSummary | None:
    """The longest summary (in characters) that is right, the first of equally long ones; None without one."""
    right = [summary for summary in summaries if summary.became == "right"]
    return max(right, key=lambda summary: len(summary.text), default=None)
