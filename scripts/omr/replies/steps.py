"""Where the code and its output lie in a solution that runs code: the contract between generating and reading it.

A reply with code is one ordinary row (omr/replies/reply.py). Its `text` is what stood in the model's context behind the
prompt, byte for byte: what the model wrote and what was inserted. Further fields:

    executions           blocks that were run, as many as there are `steps`
    executions_allowed   how many could have been
    code_errors          steps that ended `error`;  timeouts: steps that ended `timeout` or `killed`
    ended                `stop`: the model ended by itself · `length`: the token budget or the context was used up ·
                         `unclosed_block`: it ended inside a block, which was not run · `too_many_blocks`: it wrote a
                         block when no execution was left, which was not run. `finish_reason` is `length` for `length`,
                         else `stop`
    steps                [[code_from, code_to, output_from, output_to, status], ...], one per block that was run
    blocks               [[from, to], ...], one per step: from the first character of its opening tag to where the
                         model went on, so with everything that was inserted
    turns                requests that the solution took
    ran_on               characters that a server sent behind a closing tag; they are void and not in `text`
    replays_differ       how often blocks were run again, after a restart say, and one of them printed something else;
                         what is stored here is what the model saw
    code_cpu_s           CPU seconds of all its code
    sandbox              {"tier", "identity"} of the sandbox that ran the code; null if no block was run

`usage` sums the turns: `prompt_tokens`, `completion_tokens`, and `cached_tokens` where the server tells them.

Offsets count characters (code points) of `text`: `text[code_from:code_to]` is the code, without tags, and
`text[output_from:output_to]` what it printed, as it was cut, without the fence around it. Before `code_from` and
between `code_to` and `output_from` a block has its tags and fences, between `output_to` and its end the closing fence
and, where the recipe shows it, the note of how many executions are left. So a reader with these offsets needs to
search for no tag, and can write the solution with others: nothing that code prints looks like one to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

#: How a block can end: printed and done; a traceback; stopped at its time limit, its variables kept; killed as it did
#: not stop; over its memory limit; its process gone; the process no longer to be trusted. After `killed`, `died` and
#: `broken` the variables are lost.
STATUSES = ("ok", "error", "timeout", "killed", "memory", "died", "broken")
#: How a solution can end.
ENDINGS = ("stop", "length", "unclosed_block", "too_many_blocks")


class Step(NamedTuple):
    """A block that was run: offsets in the reply's `text`, see above, and its status."""

    block_from: int
    code_from: int
    code_to: int
    output_from: int
    output_to: int
    block_to: int
    status: str

    def code(self, text: str) -> str:
        return text[self.code_from : self.code_to]

    def output(self, text: str) -> str:
        return text[self.output_from : self.output_to]


def steps_of(reply: Mapping[str, Any]) -> list[Step]:
    """The blocks of a reply that were run, in their order; none for a reply without code.

    Raises ValueError for offsets that no text can have.
    """
    steps = [
        Step(block[0], offsets[0], offsets[1], offsets[2], offsets[3], block[1], status)
        for (*offsets, status), block in zip(reply.get("steps") or (), reply.get("blocks") or (), strict=True)
    ]
    places = [0, *(place for step in steps for place in step[:-1]), len(reply["text"] or "")]
    if any(before > after for before, after in pairwise(places)):
        raise ValueError(f"the steps of {reply.get('id')!r} do not lie in its text in their order")
    return steps


def stored_steps(steps: list[Step]) -> dict[str, list[list[Any]]]:
    """The fields `steps` and `blocks` of a reply."""
    return {
        "steps": [[step.code_from, step.code_to, step.output_from, step.output_to, step.status] for step in steps],
        "blocks": [[step.block_from, step.block_to] for step in steps],
    }
