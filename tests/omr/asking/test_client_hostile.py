"""What hosts may send that is no reply: it costs a request at most, and brings nothing out that is secret."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from omr.asking import client as client_module
from omr.asking.client import ChatClient, Endpoint
from omr.asking.requests import Request, Sampling
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.replay.faults import Fault
from omr.replay.launch import running_server
from omr.replies.reply import Reply

SPEC = ModelSpec("replay", "replay", "replay", replies="x", retries=1, request_timeout_s=20.0)
REQUEST = Request("row-1", "solve", 0, [{"role": "user", "content": "What is 1 + 1?"}], "00" * 8)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_BACKOFF_S", 0.01)
    monkeypatch.setattr(client_module, "_LONGEST_BACKOFF_S", 0.05)


def ask(base_url: str, spec: ModelSpec = SPEC, api_key: str | None = None) -> Reply:
    async def run() -> Reply:
        async with ChatClient(spec, "stage", Sampling(0.7, 0.95, 64), Endpoint(base_url, api_key)) as client:
            return await client.ask(REQUEST)

    return asyncio.run(run())


@contextlib.contextmanager
def saying(content: bytes) -> Iterator[str]:
    """A server that answers everything with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_all() -> None:
            with contextlib.suppress(OSError):  # the server was closed
                while True:
                    with server.accept()[0] as connection, contextlib.suppress(OSError):
                        connection.settimeout(20)
                        connection.recv(1 << 16)
                        connection.sendall(content)

        thread = threading.Thread(target=answer_all)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def answered(status: int, body: Any) -> Fault:
    return Fault("answer", status=status, body=body if isinstance(body, str) else json.dumps(body))


DEEP = "[" * 900 + "1" + "]" * 900
DEEP_ERROR = '{"error":' * 900 + "1" + "}" * 900
DEEP_DELTA = 'data: {"choices":[{"delta":{"x":' + '{"a":' * 900 + "1" + "}" * 900 + "}}]}\n\n"


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        DEEP_ERROR,
        f'{{"error":{DEEP}}}',
        f'{{"choices":[{{"message":{{"content":{DEEP}}}}}]}}',
        f'{{"choices":[{{"finish_reason":{DEEP},"message":{{"content":"a"}}}}]}}',
        f'{{"choices":[{{"finish_reason":"stop","message":{{"content":"a","tool_calls":{DEEP}}}}}]}}',
        DEEP_DELTA * 2,
    ],
    ids=["values", "errors", "error", "content", "finish", "calls", "stream"],
)
def test_values_within_values_without_end_cost_a_request_and_not_the_job(status: int, body: str) -> None:
    with running_server(8, faults=[answered(status, body)]) as server:
        reply = ask(server.base_url)
    assert reply["error"]["status"] == status


@pytest.mark.parametrize("name", ["Retry-After", "Location", "Content-Type"])
@pytest.mark.parametrize("status", [200, 429])
def test_a_header_that_is_no_text_says_nothing(name: str, status: int) -> None:
    head = b"HTTP/1.1 %d X\r\n%s: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}" % (status, name.encode())
    with saying(head) as base_url:
        reply = ask(base_url, replace(SPEC, retries=0))
    assert reply["error"]["kind"] == ("wrong_shape" if status == 200 else "status_429")


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_host_that_repeats_the_key_does_not_bring_it_into_errors(status: int) -> None:
    fault = answered(status, {"error": {"message": "Incorrect API key provided: sk-secret-123.", "code": status}})
    spec = replace(SPEC, server="endpoint", base_url="x", retries=0)
    with running_server(8, faults=[fault]) as server:
        try:
            told = json.dumps(ask(server.base_url, spec, "sk-secret-123")["error"])
        except UserError as error:
            told = str(error)
    assert "provided: ***." in told
    assert "sk-secret-123" not in told
