"""What of Snakemake's log goes to a terminal where the run itself is drawn: what somebody must know. All of it is in
Snakemake's log file.

A logger plugin would have to be an installed package; Snakemake's handlers are there for the asking.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

_STREAM, _FILE = "DefaultStreamHandler", "DefaultLogFileHandler"
#: Before a run begins.
_PREAMBLE_EVENTS = {"workflow_started", "run_info", "resources_info"}
_PREAMBLE = ("Config file ", "Assuming unrestricted", "Using shell", "Conda environments: ignored")
_FAILURES = ("job_error", "group_error")
_MOST_LINES, _MOST_CHARACTERS = 3, 300


def handlers(logger: logging.Logger, name: str) -> list[logging.Handler]:
    return [handler for handler in logger.handlers if handler.name == name]


def is_on_terminal(logger: logging.Logger) -> bool:
    """Whether Snakemake writes to a terminal that can be drawn on."""
    return any(getattr(handler, "is_tty", False) and handler.can_color_tty() for handler in handlers(logger, _STREAM))  # type: ignore[attr-defined]


def without_preamble(logger: logging.Logger) -> None:
    """From now on the terminal is spared what Snakemake says of itself before a run begins."""
    for handler in handlers(logger, _STREAM):
        handler.addFilter(_is_no_preamble)


def _is_no_preamble(record: logging.LogRecord) -> bool:
    text = record.msg if isinstance(record.msg, str) else ""
    return _event(record) not in _PREAMBLE_EVENTS and not text.startswith(_PREAMBLE)


def _event(record: logging.LogRecord) -> str:
    return str(getattr(record, "event", None) or "")


class Diverted:
    """Snakemake's log while a run is drawn: `show` gets the few lines that are for the terminal.

    Its log file gets all, also with `--quiet rules`.
    """

    def __init__(self, logger: logging.Logger, show: Callable[[str], None]) -> None:
        self._show, self._is_stopping = show, False
        self._streams = handlers(logger, _STREAM)
        for handler in self._streams:
            handler.addFilter(self._divert)
        for handler in handlers(logger, _FILE):
            for found in handler.filters:
                if hasattr(found, "quiet"):
                    found.quiet = set()

    def end(self) -> None:
        for handler in self._streams:
            handler.removeFilter(self._divert)

    def _divert(self, record: logging.LogRecord) -> bool:
        text = record.msg if isinstance(record.msg, str) else ""
        self._is_stopping |= text.startswith("Terminating")
        # Jobs that end because somebody stops the run did not fail.
        if not (self._is_stopping and _event(record) in _FAILURES):
            for line in _lines(record):
                self._show(line)
        return False


def _lines(record: logging.LogRecord) -> list[str]:
    if _event(record) in _FAILURES:
        return [_of_failure(record.__dict__)]
    text = record.getMessage() if isinstance(record.msg, str) else ""
    if record.levelno < logging.WARNING and not text.startswith(("Trying to restart", "Will exit", "Terminating")):
        return []
    lines = [line for line in text.splitlines() if line.strip()]
    # The error of a job's shell command repeats what stands in its log.
    if any("CalledProcessError" in line for line in lines) or text.startswith("Exiting because a job"):
        return []
    return [line[:_MOST_CHARACTERS] for line in lines[:_MOST_LINES]]


def _of_failure(known: dict[str, Any]) -> str:
    log = next(iter(known.get("log") or ()), None)
    return f"a job failed: {known.get('rule_name', known.get('groupid', ''))}" + (f", see {log}" if log else "")
