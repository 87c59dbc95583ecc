"""Says what requests wait for: at once, and then once a minute for as long as it lasts."""

from __future__ import annotations

import time
from collections.abc import Callable

_SAY_EVERY_S = 60.0


class Waits:
    """Lines about tries that are repeated, at most one a minute for each kind of fault."""

    def __init__(self, say: Callable[[str], None], every_s: float = _SAY_EVERY_S) -> None:
        self._say, self._every_s = say, every_s
        self._said_at: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def __call__(self, kind: str, message: str, pause_s: float) -> None:
        """A request waits `pause_s` before its next try, because of a fault of this kind."""
        now = time.monotonic()
        self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
        if now - self._said_at.get(kind, float("-inf")) < self._every_s:
            return
        times = self._unsaid.pop(kind)
        since = f", {times} times since it was last said" if kind in self._said_at else ""
        self._said_at[kind] = now
        self._say(f"waiting {pause_s:.0f} s to ask again ({kind}{since}): {message[:300]}")
