"""A real vLLM says the same in pieces as whole: chats and completions, with its own words for how they ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from omr.asking.client import ChatClient
from omr.asking.hosts import Endpoint
from omr.asking.questions import COMPLETIONS, Question
from omr.asking.requests import Request, Sampling
from omr.models.model import ModelSpec
from omr.servers.opened import open_server
from omr.servers.sites import ServerSite
from stage_runs import Row
from vllm_lab import ARGUMENTS, PATIENCE_S, VLLM_PYTHON, needs_vllm

pytestmark = needs_vllm
SAMPLING = Sampling(1.0, 1.0, 60)
REQUESTS = [
    Request(f"r{number}", "solve", seed, [{"role": "user", "content": f"Let the sum be {number}."}], f"{number:08x}{seed:08x}")
    for number in range(6)
    for seed in range(2)
]  # fmt: skip


class Said(NamedTuple):
    """Stored replies, and bodies of completions that were to stop at a letter."""

    replies: list[Row]
    bodies: list[Any]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> tuple[Said, Said]:
    """What one server says whole, and in pieces."""
    folder = tmp_path_factory.mktemp("streaming")
    spec = ModelSpec(
        "m",
        str(checkpoint),
        "vllm",
        prepare="none",
        max_model_len=512,
        concurrency=8,
        args=ARGUMENTS,
        environment={"VLLM_CPU_KVCACHE_SPACE": "1"},
        ready_timeout_s=PATIENCE_S,
    )
    site = ServerSite(python=str(VLLM_PYTHON), check_gpus=False, grace_s=5)

    async def run() -> tuple[Said, Said]:
        server = open_server(spec, log_path=folder / "server.log", scratch=folder, site=site)
        async with server:
            endpoint = Endpoint(server.base_url, None, server.served_name)
            return await ask(spec, endpoint), await ask(replace(spec, stream=True), endpoint)

    return asyncio.run(run())


async def ask(spec: ModelSpec, endpoint: Endpoint) -> Said:
    async with ChatClient(spec, "solve", SAMPLING, endpoint) as client:
        replies = await asyncio.gather(*map(client.ask, REQUESTS))
        fields = {"prompt": "Let the sum", "stop": ["e"], "include_stop_str_in_output": True}
        questions = [Question(f"c{number}/solve/0", fields, 60, COMPLETIONS) for number in range(6)]
        bodies = await asyncio.gather(*(client.answer_to(question, lambda body: body) for question in questions))
    return Said(list(replies), [body for body, _ in bodies])


def test_replies_in_pieces_are_those_that_come_whole(said: tuple[Said, Said]) -> None:
    whole, pieces = (
        [{key: reply[key] for key in reply if key != "latency_s"} for reply in one.replies] for one in said
    )
    assert pieces == whole
    assert {reply["error"] for reply in whole} == {None}
    assert all(reply["usage"]["completion_tokens"] for reply in pieces)


def test_a_completion_in_pieces_says_which_text_stopped_it(said: tuple[Said, Said]) -> None:
    whole, pieces = ([body["choices"][0] for body in one.bodies] for one in said)
    for one, other in zip(whole, pieces, strict=True):
        assert {key: other[key] for key in ("text", "finish_reason", "stop_reason")} == {
            key: one[key] for key in ("text", "finish_reason", "stop_reason")
        }
    assert "e" in {choice["stop_reason"] for choice in pieces}
