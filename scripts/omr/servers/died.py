"""How the death of a model server is told: what happened, the end of its log, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from omr.errors import UserError

#: Each of a server's workers prints its own traceback of a hundred lines, after which the others print theirs.
_TAIL_BYTES, _TAIL_LINES, _ERROR_LINES = 1 << 20, 15, 10
#: The end of a traceback, whatever a logger puts before it.
_EXCEPTION = re.compile(r"(?:^|[\s\]])((?:\w+\.)*[A-Z]\w*(?:Error|Exception): .*)")
_PORT_TAKEN = ("address already in use", "eaddrinuse", "errno 98", "failed to bind", "port is already")
_OF_ARGUMENTS = ("unrecognized arguments", "no such option")
_INSTALL = "say where the server is under `servers:` in config, or let Snakemake install it: `--sdm conda`"
#: What a log says near its end (lower case), and what its reader can do.
_REMEDIES = (
    (
        "out of memory",
        "use more GPUs, a smaller `max_model_len`, or less memory for the cache (see `args` of the model)",
    ),
    ("offline mode", "download the model first: servers run with HF_HUB_OFFLINE=1"),
    ("localentrynotfound", "download the model first: servers run with HF_HUB_OFFLINE=1"),
    ("no module named", _INSTALL),
    ("cannot start", _INSTALL),
    *((words, "check `args` of the model against the server's version") for words in _OF_ARGUMENTS),
)


class ServerDied(UserError):  # noqa: N818 - it is an event that is awaited as well as an error
    """A model server ended, or will never answer again.

    Attributes: `what`, `file` (its log), `remedy`, `tail` (the last lines of the log), `port_taken` (another try with
    other ports may succeed), `is_of_arguments` (it does not know how it was called, on whatever node).
    """

    def __init__(self, what: str, log: Path, tail: str) -> None:
        shown = f"{what}; the end of its log:\n{_indented(tail)}" if tail else f"{what}; its log is empty"
        lower = tail.lower()
        remedy = next((remedy for words, remedy in _REMEDIES if words in lower), "see its log")
        super().__init__(shown, file=log, remedy=remedy)
        self.tail = tail
        self.port_taken = any(words in lower for words in _PORT_TAKEN)
        self.is_of_arguments = any(words in lower for words in _OF_ARGUMENTS)


def log_tail(log: Path, start: int) -> str:
    """The last lines of a log beyond the byte `start`, before them the last that tell of errors (servers print much
    while they go down); without control characters; empty if there is none."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(start, end - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    errors = _errors(lines[:-_TAIL_LINES])[-_ERROR_LINES:]
    shown = [*errors, "[...]", *lines[-_TAIL_LINES:]] if errors else lines[-_TAIL_LINES:]
    return "\n".join("".join(c for c in line if c.isprintable() or c == "\t") for line in shown)


def _errors(lines: Sequence[str]) -> list[str]:
    """Lines that name an exception, each message once; if there are none, those with the word error in them (which a
    logger may put before every line of a traceback)."""
    named: dict[str, str] = {}
    for line in lines:
        if (found := _EXCEPTION.search(line)) is not None:
            named.setdefault(found[1], line)
    return list(named.values()) or [line for line in lines if "error" in line.lower()]


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())
