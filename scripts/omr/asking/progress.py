"""How far a model stage is: a bar on a terminal, a quiet line a minute in the log."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from omr.errors import UserError, user_fault
from omr.replies.reply import Reply

_LOG_EVERY_S = 60.0


class Log:
    """The log file of a command: dated lines; standard error when no file is named."""

    def __init__(self, path: Path | None) -> None:
        self._stream: TextIO = sys.stderr
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("a", encoding="utf-8", errors="replace", buffering=1)

    def __call__(self, line: str) -> None:
        print(time.strftime("%Y-%m-%d %H:%M:%S"), line, file=self._stream)


def run_logged(path: Path | None, run: Callable[[Log], int]) -> int:
    """Run a command with its log; a UserError is told there too, before the command shows it."""
    log = Log(path)
    try:
        return run(log)
    except (UserError, OSError, BaseExceptionGroup) as error:
        fault = user_fault(error)
        if path is not None and fault is not None:
            with suppress(OSError):  # the log may lie on the same full disk
                log(f"error: {fault}")
        raise


class Progress:
    """Counts replies of one job: rows, requests a second, tokens a second, failures, time left."""

    def __init__(self, stage: str, total: int, done: int, log: Log, show_bar: bool) -> None:
        self.failed: Counter[str] = Counter()
        self.answered = 0
        self.tokens = Counter[str]()
        self.load = ""  # how busy the server is, if it says so
        self._total, self._done, self._log = total, done, log
        self._started = self._last_line = time.monotonic()
        self._bar = tqdm(
            total=total, initial=done, desc=stage, unit="req", leave=False, disable=not show_bar, dynamic_ncols=True
        )

    def add(self, reply: Reply) -> None:
        """Count one reply or final failure."""
        if reply["error"] is None:
            self.answered += 1
            for kind, tokens in (reply["usage"] or {}).items():
                self.tokens[kind] += tokens
        else:
            self.failed[reply["error"]["kind"]] += 1
        if not self._bar.disable:
            self._bar.update(1)
            self._bar.set_postfix_str(f"{self._tokens_per_s():.0f} tok/s, {self.failed.total()} failed", refresh=False)
        self.tick()

    def tick(self) -> None:
        """Write the line of the minute if it is due."""
        if time.monotonic() - self._last_line >= _LOG_EVERY_S:
            self._log(self.line())
            self._last_line = time.monotonic()

    def _elapsed_s(self) -> float:
        return max(time.monotonic() - self._started, 1e-9)

    def _tokens_per_s(self) -> float:
        return self.tokens["completion_tokens"] / self._elapsed_s()

    def line(self) -> str:
        """One line of text: everything that the bar shows."""
        asked = self.answered + self.failed.total()
        done, rate = self._done + asked, asked / self._elapsed_s()
        left_s = (self._total - done) / rate if rate else float("inf")
        left = "unknown" if left_s == float("inf") else f"{left_s / 60:.0f} min"
        return (
            f"{done}/{self._total} requests ({self._done} from the journal), {rate:.1f} requests/s, "
            f"{self._tokens_per_s():.0f} tokens/s, {self.failed.total()} failed, time left {left}"
            + (f"; {self.load}" if self.load else "")
        )

    def close(self) -> None:
        self._bar.close()
        self._log(self.line())
