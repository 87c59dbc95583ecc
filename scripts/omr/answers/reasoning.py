"""The reasoning of a reply, as models mark it in their texts."""

from __future__ import annotations

THINK, END_THINK = "<think>", "</think>"


def split_reasoning(text: str) -> tuple[str | None, str]:
    """The reasoning of a reply and what follows it, as (reasoning, rest); reasoning is None where there is none.

    Reasoning ends at the last `</think>`; the opening tag may be missing, since chat templates send it themselves.
    After a `<think>` that never ends there is no rest but what stood before it.
    """
    before, tag, rest = text.rpartition(END_THINK)
    if not tag:
        rest, tag, unfinished = text.partition(THINK)
        return (unfinished if tag else None), rest
    rest, again, unfinished = rest.partition(THINK)
    reasoning = before.lstrip().removeprefix(THINK)
    return (reasoning + END_THINK + again + unfinished if again else reasoning), rest
