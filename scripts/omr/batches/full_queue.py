"""A host that has too much of an account queued and takes no batch for now: how long it is waited for, and for what."""

from __future__ import annotations

import time
from collections.abc import Callable

from omr.errors import UserError

#: Codes of inputs that are not taken because the account has too much queued.
_CODES = ("token_limit_exceeded", "enqueued", "queue_limit", "rate_limit")
#: So many looks are waited before more is submitted, and so long in all.
_LOOKS, _LONGEST_S = 5, 24 * 3600.0


class FullQueue:
    """The queue of a host. `most` is how many requests a batch may have; `waits` whether none is submitted for now."""

    def __init__(self, host: str, most: int, say: Callable[[str], None]) -> None:
        self.most = most
        self._host, self._say = host, say
        self._looks = 0
        self._since: float | None = None  # since when nothing was taken

    @staticmethod
    def is_meant(told: str) -> bool:
        """Whether the reasons that a host gives say that its queue is full."""
        return any(code in told for code in _CODES)

    @property
    def waits(self) -> bool:
        return self._looks > 0

    def note_look(self) -> None:
        """One look at all batches later."""
        self._looks = max(0, self._looks - 1)

    def note_taken(self) -> None:
        """The host has taken a batch."""
        self._since = None

    def refused(self, told: str, requests: int, is_last: bool) -> UserError | None:
        """A batch of so many requests was not taken. Returns the end of the job, where it is the last one that is
        waited for and nothing was taken for too long; else what is submitted waits, and is less if it was the last."""
        self._since = self._since or time.monotonic()
        full_s = time.monotonic() - self._since
        if full_s > _LONGEST_S and is_last:
            return UserError(
                f"{self._host} has had too much of this account queued for {full_s / 3600:.0f} hours, "
                f"and has taken nothing meanwhile: {told}",
                remedy="see there which batches wait, cancel what is not needed, and run again: this job waits for "
                "none, and what was answered is kept",
            )
        longest = f"for at most {_LONGEST_S / 3600:.0f} hours"
        self._say(f"the host has too much of this account queued, and is asked {longest} to take it later: {told}")
        if is_last:
            self.most = max(1, min(self.most, requests) // 2)
        self._looks = _LOOKS
        return None
