"""What is still to be asked: a server is needed at the first of it, and nothing is sent before all of it is known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omr.asking import planning as planning_module
from omr.asking import serving
from omr.asking.client import ChatClient
from omr.asking.draining import Drain
from omr.asking.planning import Planning
from omr.asking.progress import Log, Progress
from omr.asking.prompts import Prompt
from omr.asking.requests import Request, RequestPlan, Sampling
from omr.asking.serving import drain_through_server
from omr.asking.tries import NEVER, Tries
from omr.errors import UserError
from omr.files.jsonl import dumps
from omr.models.model import ModelSpec
from omr.replies.journal import ReplyStore
from omr.servers.sites import ServerSite

PROMPTS = [Prompt(name, Path(f"{name}.yaml"), "Solve {{ problem }}") for name in ("one", "two")]


@pytest.fixture
def plan(tmp_path: Path) -> RequestPlan:
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b"".join(dumps({"id": f"r{number}", "problem": f"p{number}"}) for number in range(40)))
    return RequestPlan(rows, 0, 1, PROMPTS, [0, 1], "model", Sampling(0.7, 0.95, 100))


def answered(request: Request) -> dict[str, Any]:
    identity = {"id": request.row_id, "prompt": request.prompt, "seed": request.seed, "key": request.key}
    return identity | {"text": "t", "error": None, "finish_reason": "stop", "usage": None, "latency_s": 0.1}


def store_replies(folder: Path, requests: Iterable[Request]) -> None:
    with ReplyStore(folder / "out.jsonl") as store:
        for request in requests:
            store.append(answered(request))


def planning(plan: RequestPlan, store: ReplyStore) -> Planning:
    return Planning(plan, store, Tries(plan, NEVER))


@pytest.mark.parametrize("kept_chars", [0, 1, 400, 1 << 23])
def test_exactly_the_requests_without_a_reply_are_sent_in_the_order_of_the_rows(
    tmp_path: Path, plan: RequestPlan, monkeypatch: pytest.MonkeyPatch, kept_chars: int
) -> None:
    monkeypatch.setattr(planning_module, "_KEPT_CHARS", kept_chars)
    everything = list(plan.requests())
    there = [request for number, request in enumerate(everything) if number % 7 or number < 60]
    store_replies(tmp_path, there)
    with ReplyStore(tmp_path / "out.jsonl") as store:
        found = planning(plan, store)
        assert found.finds_work()
        found.finish()
        for _ in range(2):  # batches go through them several times
            assert list(found.requests()) == [request for request in everything if request not in there]
        assert (found.count, found.fresh) == (len(everything) - len(there),) * 2
        assert [f"{key:016x}" for key in found.keys] == [request.key for request in everything]


@pytest.mark.parametrize("kept_chars", [0, 1 << 23])
def test_rows_with_fewer_solutions_have_fewer_requests_also_when_they_are_read_again(
    tmp_path: Path, plan: RequestPlan, monkeypatch: pytest.MonkeyPatch, kept_chars: int
) -> None:
    monkeypatch.setattr(planning_module, "_KEPT_CHARS", kept_chars)
    fewer = replace(plan, seeds=[2, 3, 4], number_of=lambda row: int(row["id"][1:]) % 7)
    everything = list(fewer.requests())
    assert [(request.row_id, request.seed) for request in everything] == [
        (f"r{row}", seed) for row in range(40) for _ in PROMPTS for seed in (2, 3, 4) if seed < row % 7
    ]
    there = everything[::3]
    store_replies(tmp_path, there)
    with ReplyStore(tmp_path / "out.jsonl") as store:
        found = planning(fewer, store)
        found.finish()
        assert list(found.requests()) == [request for request in everything if request not in there]
        assert [f"{key:016x}" for key in found.keys] == [request.key for request in everything]


def test_the_first_missing_request_is_enough_to_need_a_server(tmp_path: Path, plan: RequestPlan) -> None:
    store_replies(tmp_path, list(plan.requests())[:8])
    with ReplyStore(tmp_path / "out.jsonl") as store:
        found = planning(plan, store)
        assert found.finds_work()
        assert len(found.keys) == 12


def test_without_a_missing_request_the_whole_plan_is_known_and_nothing_needed(
    tmp_path: Path, plan: RequestPlan
) -> None:
    store_replies(tmp_path, plan.requests())
    with ReplyStore(tmp_path / "out.jsonl") as store:
        found = planning(plan, store)
        assert not found.finds_work()
        assert (found.count, len(found.keys)) == (0, 160)
        assert found.bytes_read == plan.rows.stat().st_size


def test_only_rows_of_requests_that_were_not_kept_are_read_a_second_time(tmp_path: Path, plan: RequestPlan) -> None:
    lines = [dumps({"id": f"r{number}", "problem": "p" * 6_000_000}) for number in range(8)]
    plan.rows.write_bytes(b"".join(lines))
    store_replies(tmp_path, (request for request in plan.requests() if request.row_id in ("r0", "r2")))
    with ReplyStore(tmp_path / "out.jsonl") as store:
        found = planning(plan, store)
        found.finish()
        assert found.bytes_read == plan.rows.stat().st_size
        assert [request.row_id for request in found.requests()] == [
            f"r{n}" for n in (1, 3, 4, 5, 6, 7) for _ in range(4)
        ]
        # One row has four requests, of 24 million characters: with the first the bound is reached.
        assert found.bytes_read == plan.rows.stat().st_size + sum(len(lines[number]) for number in (3, 4, 5, 6, 7))


class _Server:
    """Its start waits until the plan is being made, and its plan until it starts: neither may wait for the other."""

    base_urls, served_name, start_s = ("http://127.0.0.1:9/v1",), None, None

    def __init__(self) -> None:
        self.starts, self.stopped, self.planned = asyncio.Event(), False, asyncio.Event()

    async def start(self) -> None:
        self.starts.set()
        await asyncio.wait_for(self.planned.wait(), 20)

    async def stop(self) -> None:
        self.stopped = True

    async def wait_dead(self, waiting: object) -> None:
        await asyncio.Event().wait()

    async def load(self) -> None:
        return None

    def note_progress(self) -> None: ...


def serve(folder: Path, monkeypatch: pytest.MonkeyPatch, plan: Any) -> tuple[Drain, _Server]:
    """Drain what `plan` of a server and a drain gives, with answers that need no server."""
    spec = ModelSpec("m", "m", "replay", replies="x", concurrency=3)

    async def run() -> tuple[Drain, _Server]:
        server = _Server()
        monkeypatch.setattr(serving, "open_server", lambda *args, **kwargs: server)
        with ReplyStore(folder / "out.jsonl") as store:
            async with ChatClient(spec, "s", Sampling(0.0, 1.0, 9)) as client:
                drain = Drain(client, store, Progress(1, 0, Log(folder / "log")), 0)

                async def answer(request: Request) -> Any:
                    return answered(request)

                drain.answer = answer
                site = ServerSite()
                try:
                    await drain_through_server(drain, lambda: plan(server, drain), spec, site, folder / "s.log", print)
                finally:
                    assert server.stopped
                return drain, server

    return asyncio.run(run())


def test_a_server_starts_while_its_requests_are_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def plan(server: _Server, drain: Drain) -> Iterator[Request]:
        await asyncio.wait_for(server.starts.wait(), 20)
        server.planned.set()
        return iter([Request("r", "p", 0, [], "0" * 16)])

    serve(tmp_path, monkeypatch, plan)
    assert len((tmp_path / "out.jsonl.journal").read_bytes().splitlines()) == 1


def test_a_fault_of_the_plan_ends_the_start_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def plan(server: _Server, drain: Drain) -> Iterator[Request]:
        await server.starts.wait()
        raise UserError("the id 'r' occurs twice")

    with pytest.raises(UserError, match="occurs twice"):
        serve(tmp_path, monkeypatch, plan)


def test_a_job_told_to_stop_while_it_plans_sends_nothing_and_its_thread_ends(
    tmp_path: Path, plan: RequestPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ReplyStore(tmp_path / "out2.jsonl") as store:
        found = Planning(replace(plan, number_of=lambda row: 1), store, Tries(plan, NEVER))
        endless = iter(lambda: True, False)
        monkeypatch.setattr(found, "_steps", endless)

        async def told_to_stop(server: _Server, drain: Drain) -> Iterator[Request]:
            asyncio.get_running_loop().call_later(0.1, drain.stop)
            return await found.finish_beside()

        drain, _ = serve(tmp_path, monkeypatch, told_to_stop)  # which waits for its threads
    assert drain.stopped
    assert (tmp_path / "out.jsonl.journal").read_bytes() == b""
