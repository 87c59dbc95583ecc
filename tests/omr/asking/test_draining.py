"""What waits at a server is counted by requests, however many a reply takes."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from omr.asking.client import ChatClient
from omr.asking.draining import Drain
from omr.asking.progress import Log, Progress
from omr.asking.requests import Request, Sampling
from omr.models.model import ModelSpec
from omr.replies.journal import ReplyStore
from omr.replies.reply import Reply

SPEC = ModelSpec("m", "m", "replay", replies="x", concurrency=3)


def requests(number: int) -> list[Request]:
    return [Request(f"r{place}", "p", 0, [], f"{place:016x}") for place in range(number)]


def drained(tmp_path: Path, number: int, answer: Any, **fields: Any) -> Drain:
    async def run() -> Drain:
        with ReplyStore(tmp_path / "out.jsonl") as store:
            async with ChatClient(SPEC, "s", Sampling(0.0, 1.0, 9)) as client:
                progress = Progress(number, 0, Log(tmp_path / "log"))
                drain = Drain(client, store, progress, 0, **fields)
                drain.answer = lambda request: answer(drain, request)
                await drain.run(iter(requests(number)))
                return drain

    return asyncio.run(run())


def reply(request: Request) -> Reply:
    answered = {"usage": None, "finish_reason": "stop", "latency_s": 0.1}
    return {"id": request.row_id, "key": request.key, "error": None} | answered


def test_only_requests_at_the_server_wait_there_and_all_of_them_make_it_full(tmp_path: Path) -> None:
    seen: list[tuple[int, bool]] = []

    async def answer(drain: Drain, request: Request) -> Reply:
        for _ in range(2):
            with drain.at_server():
                await asyncio.sleep(0.01)
                seen.append((drain.waiting, drain.is_full))
            await asyncio.sleep(0.01)  # its code runs: nothing waits
        return reply(request)

    drain = drained(tmp_path, 12, answer, spare=2)
    assert drain.waiting == 0
    assert max(waiting for waiting, _ in seen) == SPEC.concurrency + 2
    assert all(full == (waiting >= SPEC.concurrency) for waiting, full in seen)


def test_each_answered_turn_tells_the_watch_that_the_server_lives(tmp_path: Path) -> None:
    told: list[int] = []

    async def answer(drain: Drain, request: Request) -> Reply:
        drain.note_turn()
        drain.note_turn()
        return reply(request)

    drained(tmp_path, 4, answer, on_reply=lambda: told.append(1))
    assert len(told) == 4 * 3


def test_a_request_without_an_answer_is_asked_by_the_next_run(tmp_path: Path) -> None:
    async def answer(drain: Drain, request: Request) -> Reply | None:
        if request.row_id != "r1":
            return reply(request)
        drain.stop()
        return None

    drain = drained(tmp_path, 6, answer, grace_s=5.0)
    assert drain.stopped
    with ReplyStore(tmp_path / "out.jsonl") as store:
        assert requests(6)[0].key in store
        assert requests(6)[1].key not in store


def test_a_disk_that_is_slow_to_sync_holds_up_no_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered: list[int] = []
    before_sync_ended: list[int] = []

    def slow(descriptor: int) -> None:
        deadline = time.monotonic() + 30
        while len(answered) < 6 and time.monotonic() < deadline:  # so slow that all else is done before
            time.sleep(0.01)
        before_sync_ended.append(len(answered))

    async def answer(drain: Drain, request: Request) -> Reply:
        await asyncio.sleep(0.05)
        answered.append(1)
        return reply(request)

    monkeypatch.setattr(os, "fdatasync", slow)
    drained(tmp_path, 6, answer)
    assert before_sync_ended == [6]
    assert len((tmp_path / "out.jsonl.journal").read_bytes().splitlines()) == 6
