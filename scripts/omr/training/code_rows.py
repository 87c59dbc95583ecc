"""Training rows of solutions that ran code: as published text, and as a chat in which the code is a tool's call.

In the published text a block stands between `<tool_call>` tags, its output in a fence behind it, and a note says how
many executions are left. Loaders read the budget back from two sentences of these notes, see `told_budget`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent
from typing import Any, NamedTuple

from omr.replies.reply import Reply
from omr.solutions.transcripts import Transcript, note
from omr.turns.tags import CLOSE_TAG, OPEN_TAG

#: The tool of the chats, as trainers that pass `tools` to a chat template take it; solutions are asked with its name.
TOOL_NAME = "run_python"
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": TOOL_NAME,
            "description": "Runs Python code in a session that keeps its variables, and returns what it printed.",
            "parameters": {
                "type": "object",
                "properties": {"code": {"type": "string", "description": "The code to run."}},
                "required": ["code"],
            },
        },
    }
]
_LEFT = re.compile(r"Remaining code executions: ([0-9]{1,9})")
_NONE_LEFT = "You have run out of code executions!"


class Coded(NamedTuple):
    """A whole text with its blocks, and the place at which its reasoning ends (0: it has none).

    `allowed` executions were allowed; `budget` is that number if the text tells it, else None.
    """

    transcript: Transcript
    reasoning_to: int
    allowed: int | None
    budget: int | None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that a row of another mode has as null, but for the chat."""
        statuses = [step.status for step in self.transcript.steps]
        return {
            "code_budget": self.budget,
            "code_blocks": len(statuses),
            "code_failures": sum(status != "ok" for status in statuses),
            "tools": TOOLS,
        }


def coded(transcript: Transcript, reasoning_to: int, reply: Reply) -> Coded:
    """A text that was made of a reply with code."""
    allowed = reply.get("executions_allowed")
    is_told = any(note(transcript, step) for step in transcript.steps)
    return Coded(transcript, reasoning_to, allowed, allowed if is_told else None)


def told_budget(text: str) -> int | None:
    """The budget as the publisher's loader reads it: one more than the first note says is left, or one."""
    left, none_left = _LEFT.search(text), text.find(_NONE_LEFT)
    if left is not None and not 0 <= none_left < left.start():
        return int(left[1]) + 1
    return 1 if none_left >= 0 else None


def fault_of_code_text(code: Coded) -> str | None:
    """Why readers of the published text would be misled, or None.

    `code_not_in_text`: what is left of the solution holds no block; `code_tag_in_text`: by its tags it has other blocks
    than those that were run; `budget_misread`: the sentences that tell the budget tell another one.
    """
    text, steps = code.transcript
    if not steps:
        return "code_not_in_text"
    if list(_blocks(text)) != [step.block_from for step in steps]:
        return "code_tag_in_text"
    return None if told_budget(text) == code.budget else "budget_misread"


def _blocks(text: str) -> Iterator[int]:
    """Where blocks begin for a reader that goes by the tags: each ends at the first closing one behind it."""
    start = text.find(OPEN_TAG)
    while start >= 0 and (end := text.find(CLOSE_TAG, start + len(OPEN_TAG))) >= 0:
        yield start
        start = text.find(OPEN_TAG, end + len(CLOSE_TAG))


def messages_with_tools(prompt: Sequence[Mapping[str, str]], code: Coded) -> list[dict[str, Any]]:
    """The solution as a chat: `prompt`, then turns of the assistant that call the tool, and the tool's answers.

    Every turn has its own share of the reasoning in `<think>` tags, so that each message is whole.
    """
    messages: list[dict[str, Any]] = [dict(message) for message in prompt]
    transcript, place = code.transcript, 0
    for step in transcript.steps:
        call = {"name": TOOL_NAME, "arguments": {"code": dedent(step.code(transcript.text)).strip("\r\n")}}
        said = _turn(code, place, step.block_from)
        messages.append({"role": "assistant", "content": said, "tool_calls": [{"type": "function", "function": call}]})
        told = note(transcript, step)
        answer = "\n\n".join(part for part in (step.output(transcript.text).strip("\n"), told) if part)
        messages.append({"role": "tool", "name": TOOL_NAME, "content": answer})
        place = step.block_to
    messages.append({"role": "assistant", "content": _turn(code, place, len(transcript.text))})
    return messages


def _turn(code: Coded, start: int, end: int) -> str:
    text, border = code.transcript.text, code.reasoning_to
    thought = text[start : min(end, border)].strip().removeprefix("<think>").removesuffix("</think>").strip()
    said = text[max(start, border) : max(end, border)].strip()
    return "\n\n".join(part for part in (f"<think>\n{thought}\n</think>" if thought else "", said) if part)
