"""The base URLs of one model: requests go to the one that has the least to do, and to others when one dies.

Each has its own limit on requests in flight, which falls when it says that it is busy, and its own gate, which closes
while it cannot be reached. A request that one of them failed is asked of another; one that only ever fails is left with
a single request until that succeeds, or it would draw all of them, since it is always free. What would end the job if
there were one URL (a refused key, a page of a proxy) only sets that URL aside for some minutes, while there are others.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from omr.asking.pacing import Gate, Pace
from omr.errors import UserError

#: After so many failures in a row a URL gets one request at a time.
_AILING_AFTER = 3
#: So long a URL is set aside.
_ASIDE_S = 300.0
#: So often those who wait look for what nobody tells them: a pause that has ended, a URL that is back.
_LOOK_EVERY_S = 0.5


@dataclass
class Endpoint:
    """Where requests go: `base_url` ends in `/v1`; `api_key` is held in memory only and never shown.

    `model` is the model's name there, if it is another than config's entry says.
    """

    base_url: str
    api_key: str | None = None
    model: str | None = None

    @cached_property
    def urls(self) -> dict[str, str]:
        """Where requests of each route go."""
        return {route: self.base_url + route for route in ("/chat/completions", "/completions")}

    @cached_property
    def headers(self) -> dict[str, str]:
        """What every request says before its body."""
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {"Content-Type": "application/json", **key}

    def __repr__(self) -> str:
        return f"Endpoint({self.base_url!r}, key {'set' if self.api_key else 'not set'})"


class Host:
    """One base URL: `endpoint` changes when a restarted server listens elsewhere."""

    def __init__(self, endpoint: Endpoint, pace: Pace, gate: Gate) -> None:
        self.endpoint, self.pace, self.gate = endpoint, pace, gate
        self.failures = 0  # in a row
        self.asked = 0
        self.refusal: UserError | None = None  # why it was set aside; None once it has answered after that
        self._aside_until = float("-inf")

    def succeeded(self) -> None:
        """It has answered."""
        self.failures, self.refusal = 0, None
        self.pace.succeeded()

    def set_aside(self, refusal: UserError) -> None:
        """Ask nothing of it for some minutes, and then carefully."""
        self.refusal = refusal
        self._aside_until = time.monotonic() + _ASIDE_S
        self.failures = max(self.failures, _AILING_AFTER)

    @property
    def is_aside(self) -> bool:
        return time.monotonic() < self._aside_until

    @property
    def is_there(self) -> bool:
        """Whether it can be asked, now or when it has room."""
        return self.gate.is_open and not self.is_aside

    @property
    def fault(self) -> str:
        """Why it cannot be asked, as far as is known."""
        away = None if self.gate.is_open else self.gate.fault
        return away or (f"{self.endpoint.base_url}: {self.refusal.what}" if self.refusal else self.endpoint.base_url)

    @property
    def room(self) -> int:
        """How many more requests it may have at this moment."""
        most = 1 if self.failures >= _AILING_AFTER else int(self.pace.limit)
        return 0 if self.pace.is_paused else most - self.pace.in_flight

    @property
    def load(self) -> tuple[float, int]:
        """The share of its places that are taken; among equals, how often it was asked."""
        return self.pace.in_flight / self.pace.limit, self.asked


class Home:
    """Where related requests go: the host that the first one went to, while it is there."""

    def __init__(self) -> None:
        self.host: Host | None = None


@dataclass
class _Waiter:
    turn: asyncio.Future[None]
    home: Home | None
    failed_at: Host | None


class Hosts:
    """All base URLs of a model, in the order of config.

    `probe` finds out whether one can be reached: None, or what is wrong. Raises UserError from `enter` when all have
    been away for `max_outage_s`. `say` gets a line for each that goes or comes back.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        most_each: int,
        probe: Callable[[Endpoint], Awaitable[str | None]],
        max_outage_s: float,
        say: Callable[[str], None],
    ) -> None:
        self._say, self._max_outage_s = say, max_outage_s
        self._probe, self._most_each = probe, most_each
        self.all = [self._new(endpoint, is_only=len(endpoints) == 1) for endpoint in endpoints]
        self._waiting: deque[_Waiter] = deque()
        self._none_since: float | None = None  # since when none of them is there
        self._last_fault: UserError | None = None

    def _new(self, endpoint: Endpoint, *, is_only: bool) -> Host:
        host: Host

        async def probe() -> str | None:
            return await self._probe(host.endpoint)

        if is_only:
            gate = Gate(probe, self._max_outage_s, self._say)
        else:  # how long all of them may be away is seen to here
            gate = Gate(probe, float("inf"), self._say, endpoint.base_url, "others are asked")
        host = Host(endpoint, Pace(self._most_each), gate)
        return host

    @property
    def are_several(self) -> bool:
        return len(self.all) > 1

    async def enter(self, home: Home | None = None, failed_at: Host | None = None) -> Host:
        """Wait for a host that may be sent one more request, `leave` it afterwards.

        `failed_at`: where the last try failed; another one is preferred. Raises UserError when none comes back.
        """
        if not self.are_several:
            (only,) = self.all
            await only.gate.wait_open()
            await only.pace.enter()
            return only
        waiter = _Waiter(asyncio.get_running_loop().create_future(), home, failed_at)
        while (host := self._best(waiter)) is None:
            self._raise_if_all_are_away()
            await self._until_news(waiter)
        host.pace.in_flight += 1
        host.asked += 1
        if home is not None:
            home.host = host
        return host

    def _best(self, waiter: _Waiter) -> Host | None:
        there = [host for host in self.all if host.is_there]
        if any(host.refusal is None for host in there):
            self._none_since = None  # one that was set aside is not back before it has answered
        home = None if waiter.home is None else waiter.home.host
        if home in there and home is not None and home.failures < _AILING_AFTER:
            there = [home]
        elif len(there) > 1:
            there = [host for host in there if host is not waiter.failed_at]
        return min((host for host in there if host.room > 0), key=lambda host: host.load, default=None)

    async def _until_news(self, waiter: _Waiter) -> None:
        waiter.turn = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_S):
                await waiter.turn
        with suppress(ValueError):
            self._waiting.remove(waiter)

    def _raise_if_all_are_away(self) -> None:
        if any(host.is_there for host in self.all):
            return
        now = time.monotonic()
        self._none_since = self._none_since or now
        if self._last_fault is not None and all(host.is_aside for host in self.all):
            raise self._last_fault
        if now - self._none_since > self._max_outage_s:
            faults = "; ".join(host.fault for host in self.all)
            raise UserError(
                f"none of the model's servers has answered for {self._max_outage_s:.0f} s ({faults})",
                remedy="see their logs; run again when one is back: finished replies are kept",
            )

    def leave(self, host: Host) -> None:
        """One request less in flight there."""
        host.pace.leave()
        for waiter in self._waiting:
            if not waiter.turn.done() and self._best(waiter) is not None:
                waiter.turn.set_result(None)
                return

    def set_aside(self, host: Host, fault: UserError) -> bool:
        """Ask nothing more of a host for a while, because of what would end the job if it were the only one.

        False if there is no other that could answer: then it does end the job.
        """
        if not self.are_several:
            return False
        self._last_fault = fault
        if not host.is_aside:
            self._say(f"warning: {host.endpoint.base_url} is set aside for {_ASIDE_S:.0f} s: {fault.what}")
        host.set_aside(fault)
        return not all(other.is_aside for other in self.all)

    async def is_away(self, host: Host) -> bool:
        """Whether a host that could not be reached is away for all; where it is the only one, wait until it is back.

        False if it was there all the time: then the fault is the request's. Raises as `enter`.
        """
        return await (host.gate.look() if self.are_several else host.gate.report_unreachable())
