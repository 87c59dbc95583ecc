"""How busy servers say they are: their text, sums over time, and what follows for config."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from omr.asking.client import ChatClient
from omr.asking.draining import Drain
from omr.asking.progress import Log, Progress
from omr.asking.requests import Request, Sampling
from omr.asking.serving import drain_through_server
from omr.models.model import model_spec
from omr.replies.journal import ReplyStore
from omr.servers.full_load import ENOUGH_S, FullLoad
from omr.servers.kinds import KINDS
from omr.servers.load import Load, LoadMetrics
from omr.servers.load_watch import watch_load
from omr.servers.server import ModelServer
from omr.servers.sites import server_site
from omr.servers.started import StartedServer
from server_lab import Lab
from stand_in_server import metrics_text

VLLM, SGLANG = KINDS["vllm"].load_metrics, KINDS["sglang"].load_metrics
assert VLLM is not None
assert SGLANG is not None
BUSY = Load(running=10, waiting=2, cache_used=0.5, preempted=3, prompt_tokens=1000, completion_tokens=5000)


def read(metrics: LoadMetrics | None, text: bytes) -> Load | None:
    assert metrics is not None
    return metrics.read(text)


def test_the_samples_of_several_engines_are_one_load() -> None:
    text = b"""
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a b"} 3.0
vllm:num_requests_running{engine="1",model_name="a } b"} 4.0
vllm:num_requests_waiting{engine="0"} 1.0
vllm:num_requests_waiting{engine="1"} 0.0
vllm:num_requests_waiting_by_reason{engine="1",reason="capacity"} 9.0
vllm:kv_cache_usage_perc{engine="0"} 0.25
vllm:kv_cache_usage_perc{engine="1"} 0.75
vllm:num_preemptions_total{engine="0"} 2.0
vllm:num_preemptions_created{engine="0"} 1.7e+09
vllm:prompt_tokens_total{engine="0"} 1e+03
vllm:generation_tokens_total{engine="0"} 5000.0
"""
    assert read(VLLM, text) == Load(7, 1, 0.5, 2, 1000, 5000)


def test_a_metric_may_be_one_label_of_many() -> None:
    text = b"""sglang:num_running_reqs{tp_rank="0"} 5
sglang:num_queue_reqs{tp_rank="0"} 6
sglang:token_usage{tp_rank="0"} 0.9
sglang:realtime_tokens_total{tp_rank="0",mode="prefill_compute"} 70
sglang:realtime_tokens_total{tp_rank="0",mode="decode"} 80
"""
    assert read(SGLANG, text) == Load(5, 6, 0.9, 0, 0, 80)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"data": []}',
        b"vllm:num_requests_running 1\nvllm:num_requests_waiting 0\n",
        b"vllm:num_requests_running NaN\nvllm:num_requests_waiting 0\nvllm:kv_cache_usage_perc 0\n",
        b"vllm:num_requests_running many\nvllm:num_requests_waiting 0\nvllm:kv_cache_usage_perc 0\n",
        b"\xff\xfe\x00vllm:num_requests_running" * 1000,
    ],
)
def test_what_is_no_load_is_none(text: bytes) -> None:
    assert read(VLLM, text) is None


def test_what_was_done_between_two_looks_is_added_up() -> None:
    total = FullLoad()
    total.add_between(BUSY, Load(20, 4, 0.7, 4, 1500, 9000), 10.0)
    total.add_between(BUSY, BUSY, 20.0)
    assert total.seconds == 30
    assert (total.running, total.waiting) == pytest.approx((35 / 3, 7 / 3))
    assert total.cache_used == pytest.approx((0.6 * 10 + 0.5 * 20) / 30)
    assert (total.preempted, total.prompt_tokens, total.completion_tokens) == (1, 500, 4000)


def test_time_in_which_the_server_began_anew_is_left_out() -> None:
    total = FullLoad()
    total.add_between(BUSY, Load(10, 2, 0.5, 0, 10, 50), 10.0)
    assert total == FullLoad()


def test_sums_are_read_back_and_anything_else_is_no_time() -> None:
    total = FullLoad(1.5, 2, 3, 4, 5, 6, 7)
    assert FullLoad.read(total.as_json()) == total
    for found in (None, [], {}, {"seconds": 5}, total.as_json() | {"cache_s": "x"}, total.as_json() | {"seconds": -1}):
        assert FullLoad.read(found) == FullLoad()


def lasting(running: float, waiting: float, cache: float, seconds: float = 2 * ENOUGH_S) -> FullLoad:
    return FullLoad(seconds, running * seconds, waiting * seconds, cache * seconds)


@pytest.mark.parametrize(
    ("load", "advice"),
    [
        (lasting(512, 0, 0.3), "raise `concurrency`, to 1300 or less"),
        (lasting(256, 256, 0.3), "--max-num-seqs of vLLM, --max-running-requests of SGLang"),
        (lasting(70, 400, 0.97), "lower `concurrency`, to 84 or more"),
        (lasting(450, 60, 0.97), None),
        (lasting(60, 0, 0.8), None),
        (lasting(512, 0, 0.3, seconds=ENOUGH_S / 2), None),
        (lasting(0, 0, 0.0), None),
        (FullLoad(), None),
    ],
)
def test_advice_follows_from_who_waits_and_how_full_the_cache_is(load: FullLoad, advice: str | None) -> None:
    if advice is None:
        assert load.advice is None
    else:
        assert advice in (load.advice or "")


def test_only_time_between_two_looks_at_a_full_server_counts() -> None:
    looks: list[Load | None] = [BUSY, BUSY, BUSY, None, BUSY, BUSY, BUSY, BUSY]
    full = [False, True, True, True, True, True, False, True]
    asked, told, total = 0, list[str](), list[float]()

    class Counting(FullLoad):
        def add_between(self, before: Load, after: Load, seconds: float) -> None:
            total.append(seconds)

    async def ask() -> Load | None:
        nonlocal asked
        asked += 1
        if asked > len(looks):
            raise EOFError
        return looks[asked - 1]

    async def run() -> None:
        watch = watch_load(ask, lambda: full[asked - 1], Counting(), told.append, every_s=0.001)
        with pytest.raises(EOFError):
            await watch

    asyncio.run(run())
    # Between looks 1 and 2 (from 0), and 4 and 5.
    assert len(total) == 2
    assert told == ["" if look is None else str(look) for look in looks]


def test_a_started_server_tells_its_load_and_a_dead_one_nothing(lab: Lab) -> None:
    async def run(server: ModelServer) -> list[Load | None]:
        async with server:
            loads = [await server.load(), await server.load()]
        return [*loads, await server.load()]

    first, second, gone = asyncio.run(run(lab.server("busy")))
    assert (first, second) == (read(VLLM, metrics_text(1).encode()), read(VLLM, metrics_text(2).encode()))
    assert gone is None


def test_a_server_that_says_nothing_of_its_load_has_none(lab: Lab) -> None:
    async def run(server: ModelServer) -> Load | None:
        async with server:
            return await server.load()

    assert asyncio.run(run(lab.server())) is None


def test_a_fault_in_the_watch_costs_no_reply_and_is_told(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(server: ModelServer) -> Load | None:
        raise ValueError("no such metric")

    monkeypatch.setattr(StartedServer, "load", broken)
    drain = drained(lab, "", tmp_path)
    assert drain.full_load == FullLoad()
    assert "load was not watched to the end: ValueError('no such metric')" in (tmp_path / "job.log").read_text()


def drained(lab: Lab, modes: str, folder: Path) -> Drain:
    """Six requests, at most four at once, to a stand-in of these modes."""
    config = lab.config(modes, concurrency=4)
    spec, site = model_spec(config, "m"), server_site(config, "vllm")
    requests = [Request(f"r{n}", "solve", 0, [{"role": "user", "content": "?"}], f"{n:016x}") for n in range(6)]
    log = Log(folder / "job.log")

    async def plan() -> Iterator[Request]:
        return iter(requests)

    async def run(store: ReplyStore) -> Drain:
        async with ChatClient(spec, "solve", Sampling(0.0, 1.0, 8)) as client:
            drain = Drain(client, store, Progress(6, 0, log), max_failed=0)
            await drain_through_server(drain, plan, spec, site, folder / "s.log", log, load_every_s=0.05)
        return drain

    with ReplyStore(folder / "out.jsonl") as store:
        drain = asyncio.run(run(store))
        assert len(store) == 6
    return drain


def test_a_job_measures_its_server_while_it_has_all_the_requests_that_it_may(lab: Lab, tmp_path: Path) -> None:
    # The stand-in answers no request before it was asked for its load six times.
    drain = drained(lab, "busy", tmp_path)
    load = drain.full_load
    assert load.seconds > 0.1
    assert (load.running, load.waiting, load.cache_used) == pytest.approx((3, 1, 0.5))
    assert load.completion_tokens > 0
    assert load.completion_tokens % 100 == 0
    assert drain.progress.load == ""
