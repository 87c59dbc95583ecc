"""How many requests may be in flight, and when: the client's answer to busy and to dead servers.

* A server that answers 429 or 503 gets fewer requests at once (halved, once a second), and all workers wait for the
  time it asks for. The first reply after that brings back half of what went well before, further ones raise it slowly:
  as in TCP, but a round of replies may take ten minutes here, so that a server that was away for a moment must not
  start at one request, nor get back by one request per round.
* A server that cannot be reached closes the gate: one probe asks whether it is back while everybody waits, so that a
  dead server costs one connection every few seconds instead of every request's retries.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from omr.errors import UserError

#: After a decrease, further refusals of requests that were sent before it say nothing new.
_SETTLE_S = 1.0
#: By this share, and by one request, the limit grows per round of successes.
_GROWTH = 0.03
_SAY_EVERY_S = 60.0
_PROBE_EVERY_S = (0.2, 5.0)  # first and longest pause between two probes


class Pace:
    """A limit on requests in flight that adapts, with pauses that a server asked for."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.in_flight = 0
        self._paused_until = 0.0
        self._last_decrease = -_SETTLE_S
        self._half_of_good = float(most)  # what a success brings back after refusals
        self._succeeded = True  # since the last refusal
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_paused(self) -> bool:
        """Whether the server asked for a pause that is not over."""
        return time.monotonic() < self._paused_until

    async def enter(self) -> None:
        """Wait until one more request may be sent."""
        while True:
            pause = self._paused_until - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            elif self.in_flight >= int(self.limit):
                turn = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                await turn
            else:
                self.in_flight += 1
                return

    def leave(self) -> None:
        """One request less in flight."""
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        free = int(self.limit) - self.in_flight
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1

    def succeeded(self) -> None:
        """A request was answered: the limit may grow."""
        self._succeeded = True
        if self.limit < self.most:
            grown = self.limit + 1.0 / self.limit + _GROWTH
            self.limit = min(float(self.most), max(grown, self._half_of_good))
            self._wake()

    def refused(self, pause_s: float) -> None:
        """The server is too busy: halve the limit, and let all wait for `pause_s`."""
        now = time.monotonic()
        self._paused_until = max(self._paused_until, now + pause_s)
        if now - self._last_decrease >= _SETTLE_S:
            self.limit = max(1.0, self.limit / 2)
            self._last_decrease = now
            if self._succeeded:
                self._half_of_good, self._succeeded = self.limit, False

    def start_anew(self) -> None:
        """Another server answers from now on: what the last one said about itself is void."""
        self.limit = self._half_of_good = float(self.most)
        self._paused_until = 0.0
        self._wake()


class Gate:
    """Open while the server can be reached; closed, it lets one probe find out when it is back.

    `probe` returns None when the server answers, else what went wrong. `say` is told of an outage and of its end, of a
    server by its `name`, and of what happens `meanwhile`.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[str | None]],
        max_outage_s: float,
        say: Callable[[str], None] = lambda line: None,
        name: str = "the server",
        meanwhile: str = "requests wait",
    ) -> None:
        self._probe, self._say = probe, say
        self._name, self._meanwhile = name, meanwhile
        self._max_outage_s = max_outage_s
        self._watch: asyncio.Task[bool] | None = None
        self._first_look: asyncio.Future[bool] | None = None
        self.fault: str | None = None  # why it is closed, as the last probe said

    @property
    def is_open(self) -> bool:
        return self._watch is None

    async def look(self) -> bool:
        """Close the gate (if it is open) and find out whether the server is away; it opens by itself when it is not."""
        watch, first_look = self._begin(), self._first_look
        if first_look is not None:
            await asyncio.wait({watch, first_look}, return_when=asyncio.FIRST_COMPLETED)
        # A probe that itself has failed has found nothing out.
        return first_look.result() if first_look is not None and first_look.done() else await asyncio.shield(watch)

    def _begin(self) -> asyncio.Task[bool]:
        if self._watch is None:
            self._first_look = asyncio.get_running_loop().create_future()
            self._watch = asyncio.create_task(self._until_back(self._first_look))
        return self._watch

    async def wait_open(self) -> None:
        """Return when the server can be reached. Raises UserError when it stays away too long."""
        if self._watch is not None:
            await asyncio.shield(self._watch)

    async def report_unreachable(self) -> bool:
        """Close the gate (if it is open) and wait until the server is back. Raises as `wait_open`.

        False if the server was there all the time: then the fault is the request's, not an outage.
        """
        return await asyncio.shield(self._begin())

    async def _until_back(self, first_look: asyncio.Future[bool]) -> bool:
        started = time.monotonic()
        pause = _PROBE_EVERY_S[0]
        was_away = False
        said_at = float("-inf")
        while (fault := await self._probe()) is not None:
            was_away, self.fault = True, fault
            if not first_look.done():
                first_look.set_result(True)
            if time.monotonic() - said_at >= _SAY_EVERY_S:
                said_at = time.monotonic()
                since_s = said_at - started
                self._say(f"{self._name} cannot be reached, {self._meanwhile} since {since_s:.0f} s: {fault}")
            if time.monotonic() - started > self._max_outage_s:
                raise UserError(
                    f"the model server could not be reached for {self._max_outage_s:.0f} s ({fault})",
                    remedy="see its log; run again when it is back: finished replies are kept",
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _PROBE_EVERY_S[1])
        if not first_look.done():
            first_look.set_result(False)
        if was_away:
            self._say(f"{self._name} can be reached again, after {time.monotonic() - started:.0f} s")
        self._watch = None
        return was_away
