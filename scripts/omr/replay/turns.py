"""Replies in turns: what is left to say of a reply whose beginning stands in the prompt, with the outputs of its code.

A model that is not stopped behind a block writes on, with what it thinks the output was. So does this one: the rest of
the reply is what follows the turns that the prompt already holds, and a stop string ends it where it is obeyed.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from omr.replay.replies import Reply
from omr.replay.tokens import count_tokens


class Rest(NamedTuple):
    """What a model has left to say: a text, and the code of the tool that it calls behind it, if it does."""

    text: str
    code: str | None
    finish_reason: str


def rest_of_text(reply: Reply, prompt: str, closings: tuple[str, ...]) -> Rest:
    """What follows the turns that stand in a text prompt, in their order; up to a turn that ends without one of
    `closings`, since there the model ends by itself."""
    said = place = 0
    for turn in reply.turns:
        found = prompt.find(turn.text, place)
        if found < 0:
            break
        said, place = said + 1, found + len(turn.text)
    text = ""
    for number, turn in enumerate(reply.turns[said:], said + 1):
        text += turn.text
        if not turn.text.endswith(closings):
            return Rest(text, None, reply.finish_reason if number == len(reply.turns) else "stop")
    return Rest(text, None, reply.finish_reason)


def rest_of_messages(reply: Reply, answers: int) -> Rest:
    """The turn that follows so many messages of the model."""
    if answers >= len(reply.turns):
        return Rest("", None, reply.finish_reason)
    turn = reply.turns[answers]
    is_last = answers == len(reply.turns) - 1
    return Rest(turn.text, turn.code, reply.finish_reason if is_last else "stop")


class PrefixCache:
    """Which prompts begin with what was computed for the turn before, as a server's cache would know it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, bytes]] = {}

    def cached_tokens(self, name: str, prompt: str, written: str) -> int:
        """Tokens of a prompt that are known from the same solution's last turn; this turn is kept for the next one."""
        length, digest = self._kept.get(name, (0, b""))
        known = prompt[:length] if length and _digest(prompt[:length]) == digest else ""
        whole = prompt + written
        self._kept[name] = (len(whole), _digest(whole))
        return count_tokens(known)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
