"""What came of a block of code, and how a session's message is read. Nothing in a message is trusted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "error", "timeout", "memory", "killed", "died", "broken"]
#: With these the interpreter is gone, and its variables with it.
LOST = frozenset({"memory", "killed", "died", "broken"})
#: With these a block can be run again to the same end, to rebuild variables.
REPEATABLE = frozenset({"ok", "error"})
#: The longest message of a session, in bytes: both streams, escaped.
LONGEST_MESSAGE = 1 << 17
_MOST = 2**53


@dataclass(frozen=True)
class Result:
    """`status`:
    `ok`       it ran to its end
    `error`    it raised; the traceback is in `stderr`; variables are kept
    `timeout`  it was interrupted at its limit; variables are kept
    `killed`   it did not react to the interrupt; variables are lost, as with all below
    `memory`   all sessions together held too much, and this one the most
    `died`     the interpreter ended (a crash, os._exit, the kernel's lack of memory)
    `broken`   something else than the runner wrote on its channel

    `stdout`, `stderr`: the first characters; `stdout_chars`, `stderr_chars`: how many there were. `cpu_s`, `wall_s`: of
    this block. `replay_differs`: variables had to be rebuilt for it, and a block came out otherwise than before.
    """

    status: Status
    stdout: str = ""
    stderr: str = ""
    stdout_chars: int = 0
    stderr_chars: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    replay_differs: bool = False


@dataclass(frozen=True)
class Past:
    """A block that has run, and what came of it, in order to run it again."""

    code: str
    status: str
    stdout: str


def failed(status: Status, why: str, cpu_s: float = 0.0, wall_s: float = 0.0) -> Result:
    """A result whose only output is the reason, in words that are the same every time."""
    return Result(status, stderr=f"{why}\n", stderr_chars=len(why) + 1, cpu_s=cpu_s, wall_s=wall_s)


def read_reply(message: bytes, number: int, output_chars: int, *, interrupted: bool) -> Result | None:
    """The reply to request `number`, or None for anything that the runner would not have written."""
    try:
        reply = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(reply, dict) or reply.get("n") != number or isinstance(reply["n"], bool):
        return None
    status = reply.get("status")
    if status not in ("ok", "error", "timeout") or (status == "timeout" and not interrupted):
        return None
    streams = [_stream(reply, name, output_chars) for name in ("stdout", "stderr")]
    if streams[0] is None or streams[1] is None:
        return None
    (stdout, stdout_chars), (stderr, stderr_chars) = streams[0], streams[1]
    return Result(status, stdout, stderr, stdout_chars, stderr_chars)


def _stream(reply: dict[str, Any], name: str, limit: int) -> tuple[str, int] | None:
    text, count = reply.get(name), reply.get(f"{name}_chars")
    if not isinstance(text, str) or not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < _MOST:
        return None
    text = text.encode("utf-8", "backslashreplace").decode()[:limit]
    return text, max(count, len(text))
