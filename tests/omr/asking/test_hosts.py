"""Several base URLs of one model: requests are spread, and one that dies costs nothing but its share."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omr.asking import client as client_module
from omr.asking import hosts as hosts_module
from omr.asking import pacing
from omr.asking.client import ChatClient
from omr.asking.hosts import Endpoint, Home
from omr.asking.questions import Question
from omr.asking.reading import read_reply
from omr.asking.requests import Request, Sampling
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.replay.faults import Fault
from omr.replay.launch import RunningServer, running_server
from omr.replies.reply import Reply

SPEC = ModelSpec(
    "m", "replay", "endpoint", base_url=("a", "b"), retries=2, concurrency=4, max_outage_s=1.0, request_timeout_s=10.0
)
MESSAGES = [{"role": "user", "content": "What is 1 + 1?"}]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_BACKOFF_S", 0.01)
    monkeypatch.setattr(client_module, "_LONGEST_BACKOFF_S", 0.05)
    monkeypatch.setattr(hosts_module, "_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(pacing, "_PROBE_EVERY_S", (0.05, 0.1))


def requests(number: int) -> list[Request]:
    return [Request(f"r{place}", "p", 0, MESSAGES, f"{place:016x}") for place in range(number)]


def ask(
    urls: list[str],
    number: int,
    spec: ModelSpec = SPEC,
    say: Callable[[str], None] = lambda line: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Reply]:
    """The replies to so many requests, asked as a job does; `meanwhile` is called when a third of them is there."""

    async def run() -> list[Reply]:
        replies: list[Reply] = []
        async with ChatClient(spec, "stage", Sampling(0.7, 0.95, 64), say=say) as client:
            client.connect([Endpoint(url) for url in urls])
            waiting = iter(requests(number))

            async def work() -> None:
                for request in waiting:
                    replies.append(await client.ask(request))
                    if len(replies) == number // 3:
                        await asyncio.to_thread(meanwhile)

            await asyncio.gather(*(work() for _ in range(spec.in_flight)))
        return replies

    return asyncio.run(run())


@contextlib.contextmanager
def two_servers(*faults: Fault, **options: Any) -> Any:
    """Two servers; the faults are the first one's."""
    settings: dict[str, Any] = {"latency_s": 0.01} | options
    with running_server(8, faults=faults, **settings) as one, running_server(8, **settings) as other:
        yield one, other


def assert_all_are_answered(replies: list[Reply], number: int) -> None:
    assert sorted(reply["id"] for reply in replies) == sorted(f"r{place}" for place in range(number))
    assert [reply["error"] for reply in replies] == [None] * number


def test_requests_are_spread_by_load_and_each_url_has_its_own_limit() -> None:
    with two_servers(latency_s=0.05) as (one, other):
        assert_all_are_answered(ask([one.base_url, other.base_url], 60), 60)
        assert set((Counter(one.counts) + Counter(other.counts)).values()) == {1}
        assert min(one.requests()["total_received"], other.requests()["total_received"]) >= 20
        assert [server.requests()["peak_in_flight"] for server in (one, other)] == [4, 4]


def test_a_slow_server_gets_fewer_requests_than_a_fast_one() -> None:
    with running_server(8, latency_s=0.3) as slow, running_server(8, latency_s=0.01) as fast:
        assert_all_are_answered(ask([slow.base_url, fast.base_url], 60), 60)
        assert slow.requests()["total_received"] < fast.requests()["total_received"]


def test_one_that_dies_in_mid_run_costs_no_reply_and_no_answered_request_is_asked_again() -> None:
    said: list[str] = []
    with two_servers(latency_s=0.05) as (one, other):
        urls = [one.base_url, other.base_url]
        replies = ask(urls, 90, say=said.append, meanwhile=one.shut_down)
        assert_all_are_answered(replies, 90)
        asked, answered = Counter(one.counts) + Counter(other.counts), Counter(one.answered) + Counter(other.answered)
    assert set(answered.values()) == {1}
    assert max(asked.values()) <= 2
    assert any(line.startswith(f"{urls[0]} cannot be reached, others are asked since 0 s") for line in said)


def test_one_that_comes_back_is_asked_again() -> None:
    with (
        running_server(8, latency_s=0.05) as one,
        running_server(8, start_delay_s=0.7, refuse_until_ready=True) as late,
    ):
        assert_all_are_answered(ask([late.base_url, one.base_url], 200), 200)
        assert late.requests()["total_received"] > 10


def test_while_all_are_away_requests_wait_for_the_first_that_is_back() -> None:
    with running_server(8, start_delay_s=0.5, refuse_until_ready=True) as late:
        patient = replace(SPEC, max_outage_s=60.0)
        assert_all_are_answered(ask(["http://127.0.0.1:9/v1", late.base_url], 12, patient), 12)


def test_when_all_stay_away_the_job_ends_and_names_each() -> None:
    with pytest.raises(UserError, match="none of the model's servers has answered for 1 s") as caught:
        ask(["http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"], 4)
    assert "127.0.0.1:9/v1" in str(caught.value)
    assert "127.0.0.1:10/v1" in str(caught.value)


def test_a_busy_one_holds_back_only_itself() -> None:
    busy = Fault("status", status=429, retry_after=600)
    with two_servers(busy) as (one, other):
        started = time.monotonic()
        assert_all_are_answered(ask([one.base_url, other.base_url], 40), 40)
        assert time.monotonic() - started < 60
        assert one.requests()["total_received"] <= SPEC.concurrency
        assert other.requests()["total_answered"] == 40


def test_one_that_fails_at_once_does_not_draw_all_requests() -> None:
    with two_servers(Fault("status", status=500), latency_s=0.02) as (broken, good):
        assert_all_are_answered(ask([broken.base_url, good.base_url], 80), 80)
        # Failures cost a retry each: one request at a time finds out whether it is well again.
        assert broken.requests()["total_received"] < 60
        assert good.requests()["total_answered"] == 80


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=401, message="no such key"),
        Fault("answer", status=200, body="<html>Sign in</html>"),
        Fault("answer", status=404, body="default backend - 404 not found"),
        Fault("status", status=402, message="pay"),
    ],
    ids=["key", "page", "gone", "quota"],
)
def test_what_would_end_a_job_only_sets_one_of_several_urls_aside(fault: Fault) -> None:
    said: list[str] = []
    with two_servers(fault) as (one, other):
        assert_all_are_answered(ask([one.base_url, other.base_url], 30, say=said.append), 30)
        assert one.requests()["total_received"] <= SPEC.concurrency
    assert [line.split(":")[0] for line in said if "set aside" in line] == ["warning"]


def test_when_all_refuse_the_key_the_job_ends() -> None:
    with two_servers(api_key="right") as (one, other), pytest.raises(UserError, match="refused the key"):
        ask([one.base_url, other.base_url], 8)


@pytest.mark.parametrize("again_after_s", [0.1, 60.0])
def test_when_one_refuses_and_the_others_stay_away_the_job_ends(
    again_after_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that is asked again now and then, and refuses again, is no server that is back.
    monkeypatch.setattr(hosts_module, "_ASIDE_S", again_after_s)
    with running_server(8, api_key="right") as server:
        with pytest.raises(UserError, match="none of the model's servers has answered") as caught:
            ask([server.base_url, "http://127.0.0.1:9/v1"], 4)
        assert f"{server.base_url}: {server.base_url} refused the key" in str(caught.value)
    assert "127.0.0.1:9/v1" in str(caught.value)


def test_related_requests_stay_where_the_first_one_went_until_it_is_gone() -> None:
    async def run(one: RunningServer, other: RunningServer) -> list[str | None]:
        went = []
        async with ChatClient(SPEC, "stage", Sampling(0.0, 1.0, 8)) as client:
            client.connect([Endpoint(one.base_url), Endpoint(other.base_url)])
            home = Home()
            for turn in range(8):
                if turn == 4:
                    first = next(server for server in (one, other) if server.base_url == went[0])
                    await asyncio.to_thread(first.shut_down)
                question = Question(f"r/p/0/{turn}", {"messages": MESSAGES}, 8, home=home)
                await client.answer_to(question, read_reply)
                went.append(home.host.endpoint.base_url if home.host else None)
                # Others come and go meanwhile.
                await client.answer_to(Question(f"x{turn}/p/0", {"messages": MESSAGES}, 8), read_reply)
        return went

    with two_servers() as (one, other):
        went = asyncio.run(run(one, other))
    assert len(set(went[:4])) == 1
    assert len(set(went[4:])) == 1
    assert went[0] != went[4]


def test_related_requests_wait_for_a_busy_home() -> None:
    async def run(url: str, other: str) -> list[str]:
        went = []
        async with ChatClient(SPEC, "stage", Sampling(0.0, 1.0, 8)) as client:
            client.connect([Endpoint(url), Endpoint(other)])
            home = Home()
            for turn in range(3):
                question = Question(f"r/p/0/{turn}", {"messages": MESSAGES}, 8, home=home)
                await client.answer_to(question, read_reply)
                went.append(home.host.endpoint.base_url if home.host else "")
        return went

    with two_servers(Fault("status", match="*/1", status=429, times=2, retry_after=0.2)) as (one, other):
        assert asyncio.run(run(one.base_url, other.base_url)) == [one.base_url] * 3


def test_the_system_finds_out_when_a_machine_is_gone_on_which_requests_wait() -> None:
    """A machine without power closes no connection: without probes a request would wait for its whole time limit."""

    async def timers(server: RunningServer) -> list[str]:
        async with ChatClient(
            replace(SPEC, request_timeout_s=1.5, retries=0), "stage", Sampling(0.0, 1.0, 8)
        ) as client:
            client.connect([Endpoint(server.base_url)])
            asking = asyncio.create_task(client.ask(requests(1)[0]))
            while not server.requests()["in_flight"]:
                await asyncio.sleep(0.02)
            fields = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            found = [row[5] for row in fields if row[2].endswith(f":{server.port:04X}") and row[3] == "01"]
            await asking
            return found

    with running_server(8, faults=[Fault("hang")]) as server:
        found = asyncio.run(timers(server))
    assert len(found) == 1
    assert found[0].startswith("02:")  # the timer that runs is the one of keep-alive probes
