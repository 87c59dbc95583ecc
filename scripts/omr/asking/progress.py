"""How far a model stage is: a quiet line a minute in the log, and what watchers read (omr/replies/progress_file.py)."""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from omr.errors import UserError, user_fault
from omr.replies.progress_file import JobProgress
from omr.replies.reply import Reply

_LOG_EVERY_S = 60.0
#: How long rates are taken over for those who watch.
_RECENT_S = 180.0


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

    def __init__(self, total: int, done: int, log: Log) -> None:
        self.phase = "reading"
        self.failed: Counter[str] = Counter()
        self.answered = 0
        self.tokens = Counter[str]()
        self.load = ""  # how busy the server is, if it says so
        self.note = ""  # why the job stops
        self._total, self._done, self._log = total, done, log
        self._started = self._last_line = time.monotonic()
        self._recent = deque([(self._started, 0, 0)])

    def begin(self, total: int, done: int) -> None:
        """The work is known: so many requests, of which so many have their reply."""
        self._total, self._done = total, done
        self._started = self._last_line = time.monotonic()
        self._recent = deque([(self._started, 0, 0)])

    def add(self, reply: Reply) -> None:
        """Count one reply or final failure."""
        if reply["error"] is None:
            self.answered += 1
            for kind, tokens in (reply["usage"] or {}).items():
                self.tokens[kind] += tokens
        else:
            self.failed[reply["error"]["kind"]] += 1
        self.tick()

    def tick(self) -> None:
        """Write the line of the minute if it is due."""
        if time.monotonic() - self._last_line >= _LOG_EVERY_S:
            self._log(self.line())
            self._last_line = time.monotonic()

    def look(self) -> JobProgress:
        """What watchers are told, but for tokens in all. Called by one thread, beside the one that counts."""
        now, answered, tokens = time.monotonic(), self.answered, self.tokens["completion_tokens"]
        self._recent.append((now, answered, tokens))
        while len(self._recent) > 2 and now - self._recent[1][0] > _RECENT_S:
            self._recent.popleft()
        since, answered_then, tokens_then = self._recent[0]
        return JobProgress(
            phase=self.phase,
            total=self._total,
            stored=self._done,
            answered=answered,
            failed=dict(self.failed),
            recent_s=round(now - since, 3),
            recent_answered=max(0, answered - answered_then),
            recent_tokens=max(0, tokens - tokens_then),
            note=self.note,
        )

    def _elapsed_s(self) -> float:
        return max(time.monotonic() - self._started, 1e-9)

    def _tokens_per_s(self) -> float:
        return self.tokens["completion_tokens"] / self._elapsed_s()

    def line(self) -> str:
        """One line of text: how far the job is, how fast, and how long it will take."""
        asked = self.answered + self.failed.total()
        # Some are asked more than once.
        done, rate = min(self._done + asked, max(self._total, self._done)), asked / self._elapsed_s()
        left_s = (self._total - done) / rate if rate else float("inf")
        left = "unknown" if left_s == float("inf") else f"{left_s / 60:.0f} min"
        return (
            f"{done}/{self._total} requests ({self._done} from the journal), {rate:.1f} requests/s, "
            f"{self._tokens_per_s():.0f} tokens/s, {self.failed.total()} failed, time left {left}"
            + (f"; {self.load}" if self.load else "")
        )
