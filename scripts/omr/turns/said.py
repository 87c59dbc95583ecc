"""What a model wrote in one request of a solution with code, and what is to be done next."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from omr.turns.tags import Block, Tags


class Said(NamedTuple):
    """`stopped`: whether the server stopped for the tag that closes a block; None if it does not tell why it stopped.

    `call`: the block that the message asks to be run, of a server that knows calls of tools; `message`: what is to be
    sent back to it.
    """

    text: str
    finish_reason: str  # `stop` or `length`
    stopped: bool | None
    usage: dict[str, int] | None
    call: Block | None = None
    message: dict[str, Any] | None = None


class Next(NamedTuple):
    """What follows from a text: run the block that `text` (this turn's, as it counts) ends with, ask the model to go
    on, or end the solution as `ended` says (one of omr.replies.steps.ENDINGS)."""

    do: Literal["run", "go_on", "end"]
    text: str
    block: Block | None = None
    ended: str = ""
    ran_on: int = 0


def next_of(said: Said, written: str, tags: Tags) -> Next:
    """`written`: what the model wrote before since the last block that was run.

    The text is cut behind the first block, whatever the server made of the stop string; where it took the tag away,
    it is put back. A fence of something else than Python also stops a server: then the model has more to say.
    """
    if said.call is not None:
        return Next("run", said.text, said.call)
    found = tags.find(written + said.text)
    if found.block is not None and found.block.is_closed:
        return _cut(said.text, len(written), found.block)
    if said.finish_reason == "length":
        return Next("end", said.text, ended="length")
    is_open = found.block is not None
    at_tag = said.text.endswith(tags.stop)
    # A server that tells nothing has stopped for the tag if something is open, or the tag is there.
    if said.stopped or (said.stopped is None and said.text and (is_open or found.open_other or at_tag)):
        text = said.text if at_tag else said.text + tags.stop
        closed = tags.find(written + text).block
        if closed is not None and closed.is_closed:
            return Next("run", text, closed)
        return Next("go_on", text)
    return Next("end", said.text, ended="unclosed_block" if is_open else "stop")


def _cut(text: str, start: int, block: Block) -> Next:
    end = max((block.end or 0) - start, 0)
    return Next("run", text[:end], block, ran_on=len(text) - end)
