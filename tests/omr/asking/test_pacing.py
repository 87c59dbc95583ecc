"""How many requests are in flight when a server is busy, and what a dead one costs."""

from __future__ import annotations

import asyncio
import math

import pytest
from omr.asking import pacing
from omr.asking.pacing import Gate, Pace
from omr.errors import UserError


def test_never_more_requests_in_flight_than_the_limit() -> None:
    async def run() -> int:
        pace, most = Pace(4), 0

        async def request() -> None:
            nonlocal most
            await pace.enter()
            most = max(most, pace.in_flight)
            await asyncio.sleep(0.001)
            pace.leave()

        await asyncio.gather(*(request() for _ in range(40)))
        return most

    assert asyncio.run(run()) == 4


def test_a_refusal_halves_the_limit_once_and_successes_bring_it_back() -> None:
    pace = Pace(16)
    pace.refused(0.0)
    pace.refused(0.0)  # of a request that was sent before the limit was lowered
    assert pace.limit == 8
    for _ in range(200):
        pace.succeeded()
    assert pace.limit == 16


def refuse(pace: Pace, times: int) -> None:
    """Refusals that each come long after the last."""
    for _ in range(times):
        pace._last_decrease = -10.0
        pace.refused(0.0)


def test_after_a_while_of_refusals_the_first_success_brings_back_half_of_what_went_well() -> None:
    pace = Pace(512)
    refuse(pace, 30)
    assert pace.limit == 1
    pace.succeeded()
    assert pace.limit == 256


def test_a_server_that_refuses_between_its_replies_gets_ever_fewer() -> None:
    pace = Pace(512)
    for _ in range(6):
        refuse(pace, 1)
        pace.succeeded()
    assert 8 <= pace.limit < 10


def test_three_dozen_rounds_of_replies_bring_the_other_half_back() -> None:
    pace, rounds = Pace(512), 0
    refuse(pace, 1)
    while pace.limit < 512:
        rounds += 1
        for _ in range(int(pace.limit)):
            pace.succeeded()
    assert 10 < rounds < 36


def test_another_server_has_no_past() -> None:
    async def run() -> None:
        pace = Pace(16)
        refuse(pace, 5)
        pace.refused(3600.0)
        pace.start_anew()
        assert pace.limit == 16
        await asyncio.wait_for(pace.enter(), 5)

    asyncio.run(run())


def test_the_limit_never_falls_below_one() -> None:
    pace = Pace(2)
    refuse(pace, 5)
    assert pace.limit == 1


def test_all_wait_for_as_long_as_the_server_asked() -> None:
    async def run() -> float:
        pace, loop = Pace(4), asyncio.get_running_loop()
        started = loop.time()
        pace.refused(0.2)
        await pace.enter()
        return loop.time() - started

    assert asyncio.run(run()) >= 0.19


def test_a_dead_server_is_probed_by_one_while_all_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_PROBE_EVERY_S", (0.01, 0.01))
    probes = 0

    async def probe() -> str | None:
        nonlocal probes
        probes += 1
        return "refused" if probes < 4 else None

    async def run() -> list[bool]:
        gate = Gate(probe, max_outage_s=10)
        return list(await asyncio.gather(*(gate.report_unreachable() for _ in range(50))))

    assert asyncio.run(run()) == [True] * 50
    assert probes == 4


def test_a_server_that_was_there_all_the_time_had_no_outage() -> None:
    async def probe() -> str | None:
        return None

    async def run() -> bool:
        return await Gate(probe, max_outage_s=10).report_unreachable()

    assert asyncio.run(run()) is False


def test_a_server_that_stays_away_is_an_error_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_PROBE_EVERY_S", (0.01, 0.01))

    async def probe() -> str | None:
        return "connection refused"

    async def run() -> None:
        await Gate(probe, max_outage_s=0.05).report_unreachable()

    with pytest.raises(UserError, match="connection refused"):
        asyncio.run(run())


def test_a_probe_that_fails_itself_lets_nobody_wait() -> None:
    async def probe() -> str | None:
        raise RuntimeError("no probe")

    async def look() -> None:
        await Gate(probe, math.inf).look()

    with pytest.raises(RuntimeError, match="no probe"):
        asyncio.run(asyncio.wait_for(look(), 60))
