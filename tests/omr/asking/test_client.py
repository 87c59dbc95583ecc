"""The client against every fault that a server can have, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from omr.asking import client as client_module
from omr.asking.client import ChatClient, Endpoint
from omr.asking.requests import Request, Sampling, sampling_seed
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.replay.faults import Fault
from omr.replay.launch import running_server
from omr.replies.reply import Reply

SPEC = ModelSpec("replay", "replay", "replay", replies="x", retries=3, request_timeout_s=20.0)
SAMPLING = Sampling(0.7, 0.95, 64)
REQUEST = Request("row-1", "solve", 0, [{"role": "user", "content": "What is 1 + 1?"}], "00" * 8)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_BACKOFF_S", 0.01)
    monkeypatch.setattr(client_module, "_LONGEST_BACKOFF_S", 0.05)


def ask(
    base_url: str,
    spec: ModelSpec = SPEC,
    requests: Sequence[Request] = (REQUEST,),
    api_key: str | None = None,
    say: Callable[[str], None] = lambda line: None,
    wanted: int = SAMPLING.max_tokens,
) -> list[Reply]:
    async def run() -> list[Reply]:
        sampling = replace(SAMPLING, max_tokens=wanted)
        async with ChatClient(spec, "stage", sampling, Endpoint(base_url, api_key), say) as client:
            return list(await asyncio.gather(*map(client.ask, requests)))

    return asyncio.run(run())


def ask_through(*faults: Fault, spec: ModelSpec = SPEC, **options: Any) -> Reply:
    replies = {"stage/row-1/solve/0": "The answer is \\boxed{2}."}
    with running_server(replies, faults=faults, **options) as server:
        return ask(server.base_url, spec)[0]


def test_a_reply_is_stored_with_everything_that_identifies_it() -> None:
    reply = ask_through()
    assert reply["text"] == "The answer is \\boxed{2}."
    assert (reply["id"], reply["prompt"], reply["seed"], reply["key"]) == ("row-1", "solve", 0, "00" * 8)
    assert (reply["finish_reason"], reply["error"]) == ("stop", None)
    assert reply["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500, times=2),
        Fault("status", status=503, times=2),
        Fault("status", status=429, times=2, retry_after=0.1),
        Fault("status", status=429, times=1, retry_after_date_s=1),
        Fault("status", status=529, times=5),
        Fault("abort", times=2),
        Fault("null_finish", times=1),
        Fault("truncate_body", times=2),
        Fault("invalid_json", times=1),
        Fault("empty_body", times=1),
        Fault("reset", times=2),
        Fault("close", times=2),
        Fault("non_utf8", times=1),
        Fault("drip", interval_s=0.0),
        *(Fault("wrong_shape", times=1, shape=shape) for shape in ("missing", "empty", "null", "list", "reason")),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status if fault.kind == 'status' else fault.shape}",
)
def test_a_passing_fault_ends_in_the_right_reply(fault: Fault) -> None:
    reply = ask_through(fault)
    assert (reply["error"], reply["text"]) == (None, "The answer is \\boxed{2}.")


@pytest.mark.parametrize("kind", ["status", "abort", "truncate_body", "reset", "wrong_shape", "null_finish"])
def test_a_lasting_fault_ends_as_an_error_after_the_configured_retries(kind: str) -> None:
    with running_server({"*": "x"}, faults=[Fault(kind, status=500)]) as server:
        reply = ask(server.base_url)[0]
        # A try on a kept connection that breaks before an answer is sent once more.
        most = (2 if kind in ("reset", "close") else 1) * (SPEC.retries + 1)
        assert SPEC.retries + 1 <= sum(server.counts.values()) <= most
    assert reply["error"] is not None
    assert reply["text"] is None


def test_a_hanging_request_is_given_up_at_its_time_limit_and_tried_again() -> None:
    reply = ask_through(Fault("hang", times=1), spec=replace(SPEC, request_timeout_s=0.5))
    assert reply["text"] == "The answer is \\boxed{2}."


@pytest.mark.parametrize("kind", ["refusal", "content_filter"])
def test_a_refusal_is_final_at_the_first_try(kind: str) -> None:
    with running_server({"*": "x"}, faults=[Fault(kind)]) as server:
        reply = ask(server.base_url)[0]
        assert sum(server.counts.values()) == 1
    assert reply["error"]["kind"] == "refused"


@pytest.mark.parametrize("dialect", ["vllm", "sglang", "trtllm"])
def test_a_context_overflow_is_final_in_every_servers_words(dialect: str) -> None:
    long = replace_messages(REQUEST, "word " * 300)
    with running_server({"*": "x"}, dialect=dialect, context_tokens=100) as server:
        reply = ask(server.base_url, requests=[long])[0]
        assert sum(server.counts.values()) == 1
    assert reply["error"]["kind"] == "context_overflow"


def test_without_a_tokenizer_max_tokens_are_lowered_to_what_a_prompt_surely_leaves() -> None:
    spec = replace(SPEC, max_model_len=400)
    # Signs that are a token each: three bytes a token, as is likely, leave the server too little.
    dense = replace_messages(REQUEST, "+ " * 150)
    for request, most in ((REQUEST, 1), (dense, 2)):
        with running_server({"*": "x"}, context_tokens=400) as server:
            reply = ask(server.base_url, spec, [request], wanted=1000)[0]
            assert 1 <= sum(server.counts.values()) <= most
        assert reply["error"] is None


def test_a_prompt_that_surely_fits_no_context_is_asked_once() -> None:
    with running_server({"*": "x"}, context_tokens=100) as server:
        long = replace_messages(REQUEST, "word " * 300)
        reply = ask(server.base_url, replace(SPEC, max_model_len=100), [long])[0]
        assert sum(server.counts.values()) == 1
    assert reply["error"]["kind"] == "context_overflow"


def replace_messages(request: Request, content: str) -> Request:
    return Request(request.row_id, request.prompt, request.seed, [{"role": "user", "content": content}], request.key)


def test_an_endless_body_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_BODY_BYTES", 1 << 20)
    reply = ask_through(Fault("huge", megabytes=8))
    assert reply["error"]["kind"] == "oversized_body"


def test_a_refused_key_stops_everything_and_names_the_variable_not_the_key() -> None:
    spec = replace(SPEC, api_key_env="SOME_KEY")
    with running_server({"*": "x"}, api_key="right") as server:
        with pytest.raises(UserError) as caught:
            ask(server.base_url, spec, api_key="wrong-secret")
        assert ask(server.base_url, spec, api_key="right")[0]["error"] is None
    assert "SOME_KEY" in str(caught.value)
    assert "wrong-secret" not in str(caught.value)


def test_the_key_is_not_shown_by_the_endpoint() -> None:
    assert "secret" not in repr(Endpoint("http://127.0.0.1/v1", "secret"))


def test_an_endpoint_that_is_not_there_is_an_error_after_the_longest_outage() -> None:
    spec = replace(SPEC, server="endpoint", base_url="x", max_outage_s=0.5)
    with pytest.raises(UserError, match="could not be reached for"):
        ask("http://127.0.0.1:9/v1", spec)


@pytest.mark.parametrize(("connect_timeout_s", "request_timeout_s"), [(0.2, 20.0), (10.0, 0.6), (0.2, 0.41)])
def test_an_endpoint_whose_machine_is_gone_is_away_and_no_requests_fault(
    monkeypatch: pytest.MonkeyPatch, connect_timeout_s: float, request_timeout_s: float
) -> None:
    monkeypatch.setattr(client_module, "_CONNECT_TIMEOUT_S", connect_timeout_s)
    spec = replace(SPEC, server="endpoint", base_url="x", max_outage_s=1.0, retries=0)
    spec = replace(spec, request_timeout_s=request_timeout_s)
    # As from a machine that is off, no packet comes back: the queue of who wants to connect is full.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as queue:
        address = server.getsockname()
        for _ in range(3):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        with pytest.raises(UserError, match="could not be reached for"):
            ask(f"http://127.0.0.1:{address[1]}/v1", spec)


def test_while_the_server_is_away_requests_wait_without_using_up_their_retries() -> None:
    spec = replace(SPEC, retries=0)
    requests = [replace_id(number) for number in range(20)]
    with running_server({"*": "x"}, start_delay_s=1.0, refuse_until_ready=True) as server:
        replies = ask(server.base_url, spec, requests)
    assert [reply["error"] for reply in replies] == [None] * 20


def replace_id(number: int) -> Request:
    return Request(f"row-{number}", "solve", 0, REQUEST.messages, f"{number:016x}")


@pytest.mark.parametrize("row_id", ["plain-1 (a)", "%41", "\u00fc/\u4e00", "a\r\nHost: b", 'q"\\', "\x7f\t", "?#"])
def test_a_row_of_any_id_is_asked_for_by_its_whole_id(row_id: str) -> None:
    with running_server({"*": "x"}) as server:
        [reply] = ask(server.base_url, requests=[replace_id(1)._replace(row_id=row_id)])
        assert reply["error"] is None
        assert [name for name in server.counts if row_id in name] == list(server.counts)


def test_every_sampling_parameter_is_sent_and_the_seed_is_derived_from_the_identity() -> None:
    with running_server({"*": "x"}, keep_requests=True) as server:
        ask(server.base_url)
        kept = server.kept_requests[0]
    assert kept.headers["x-request-id"] == "stage/row-1/solve/0"
    body = kept.body
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.7, 0.95, 64)
    assert body["seed"] == sampling_seed("row-1/solve/0")
    assert sampling_seed("row-1/solve/0") != sampling_seed("row-1/solve/1")


def test_a_busy_server_gets_fewer_requests_at_once() -> None:
    async def run(base_url: str) -> float:
        async with ChatClient(replace(SPEC, concurrency=8), "stage", SAMPLING, Endpoint(base_url)) as client:
            await client.ask(REQUEST)
            return client.pace.limit

    with running_server({"*": "x"}, faults=[Fault("status", status=429, times=1)]) as server:
        limit = asyncio.run(run(server.base_url))
    assert 4 <= limit < 5


def test_a_sampling_parameter_that_the_server_does_not_take_is_refused() -> None:
    with pytest.raises(UserError, match="does not take the sampling parameters best_of"):
        ChatClient(SPEC, "stage", Sampling(0.0, 1.0, 10, {"best_of": 3}))


def answered(status: int, body: Any, **fields: Any) -> Fault:
    return Fault("answer", status=status, body=body if isinstance(body, str) else json.dumps(body), **fields)


def merged(**choice: Any) -> Fault:
    return Fault("merge", body=json.dumps({"choices": [choice]}))


@pytest.mark.parametrize(
    "fault",
    [
        answered(200, {"error": {"message": "upstream is overloaded", "code": 429}}, times=9),
        answered(200, {"choices": [{"error": {"code": 503}, "message": {"content": "ha"}}]}, times=9),
        answered(200, {"error": {"message": "no luck", "code": 500}}, times=2),
        answered(200, {"error": "something"}, times=2),
        merged(finish_reason="eos_token"),
        merged(message={"refusal": "", "tool_calls": [], "reasoning_content": "", "function_call": None}),
        merged(message={"content": [{"type": "text", "text": "The answer is \\boxed{2}."}]}),
    ],
    ids=lambda fault: fault.body,
)
def test_what_another_server_would_send_ends_in_the_right_reply(fault: Fault) -> None:
    reply = ask_through(fault)
    assert (reply["error"], reply["text"], reply["finish_reason"]) == (None, "The answer is \\boxed{2}.", "stop")


@pytest.mark.parametrize(
    "fault",
    [
        answered(429, {"error": {"message": "Nothing left: pay.", "code": "insufficient_quota"}}),
        answered(402, {"error": {"message": "Nothing left: pay."}}),
        answered(200, {"error": {"message": "Nothing left: pay.", "code": 402}, "choices": None}),
    ],
    ids=lambda fault: str(fault.status),
)
def test_a_quota_that_is_used_up_ends_the_job_at_the_first_answer(fault: Fault) -> None:
    with running_server({"*": "x"}, faults=[fault]) as server:
        with pytest.raises(UserError, match=r"is used up .*: Nothing left: pay") as caught:
            ask(server.base_url)
        assert sum(server.counts.values()) == 1
    assert "run again" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (answered(200, "<!DOCTYPE html><title>Sign in to the campus network</title>"), "Sign in to the campus"),
        (answered(302, ""), "sends requests elsewhere"),
    ],
    ids=["page", "redirect"],
)
def test_a_login_page_of_a_proxy_ends_the_job_at_once_and_is_shown(fault: Fault, shown: str) -> None:
    with running_server({"*": "x"}, faults=[fault]) as server:
        with pytest.raises(UserError, match=shown) as caught:
            ask(server.base_url)
        assert sum(server.counts.values()) == 1
    assert "no_proxy" in str(caught.value)


def test_an_unknown_word_for_an_end_is_final_at_the_first_try() -> None:
    with running_server({"*": "x"}, faults=[merged(finish_reason="wormhole")]) as server:
        reply = ask(server.base_url)[0]
        assert sum(server.counts.values()) == 1
    assert reply["error"]["kind"] == "unknown_finish"
    assert "wormhole" in reply["error"]["message"]


def test_a_prompt_that_the_server_cut_is_an_error_and_no_reply() -> None:
    fault = Fault("merge", body=json.dumps({"usage": {"prompt_tokens": 4095}}))
    with running_server({"*": "x"}, faults=[fault]) as server:
        whole, cut = ask(server.base_url, requests=[REQUEST, replace_messages(replace_id(1), "word " * 20_000)])
    assert whole["error"] is None
    assert (cut["error"]["kind"], cut["text"]) == ("prompt_cut", None)
    assert "4095 tokens" in cut["error"]["message"]


def test_the_models_name_in_a_reply_is_stored_and_another_one_is_said_once() -> None:
    said: list[str] = []
    fault = Fault("merge", match="*/row-2/*", body='{"model": "tiny"}')
    requests = [replace_id(number) for number in (1, 2)]
    requests += [requests[1]._replace(seed=1)]
    with running_server({"*": "x"}, faults=[fault]) as server:
        replies = ask(server.base_url, requests=requests, say=said.append)
    assert [reply["stated_model"] for reply in replies] == ["replay", "tiny", "tiny"]
    assert [reply["model"] for reply in replies] == ["replay"] * 3
    assert said == ["warning: 'replay' was asked for, but a reply says that it is from 'tiny'"]


def test_what_requests_wait_for_is_said_once_a_minute() -> None:
    said: list[str] = []
    fault = Fault("status", status=429, times=6, message="slow down", retry_after=0.01)
    with running_server({"*": "x"}, faults=[fault]) as server:
        ask(server.base_url, say=said.append)
    assert len(said) == 1
    assert said[0].startswith("waiting 0 s to ask again (status_429): slow down")


@pytest.mark.parametrize("request_timeout_s", [0.3, 0.7])
@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
def test_a_reply_that_does_not_end_in_time_is_timed_out_and_the_server_not_away(
    monkeypatch: pytest.MonkeyPatch, request_timeout_s: float, head: bytes
) -> None:
    # As long a wait as for a connection, or longer: the clock does not tell the one from the other.
    monkeypatch.setattr(client_module, "_CONNECT_TIMEOUT_S", request_timeout_s)
    said: list[str] = []
    spec = replace(SPEC, request_timeout_s=request_timeout_s, retries=1, server="endpoint", base_url="x")
    with speaking(head) as base_url:
        reply = ask(base_url, spec, say=said.append)[0]
    expected = ("timeout", f"no whole reply within {request_timeout_s:g} s")
    assert (reply["error"]["kind"], reply["error"]["message"]) == expected
    assert not any("reached" in line for line in said)


@contextlib.contextmanager
def speaking(head: bytes) -> Iterator[str]:
    """A server that takes every connection, says as much of an answer, and then nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as taken:

        def take_all() -> None:
            with contextlib.suppress(OSError):  # the server was closed
                while True:
                    connection = taken.enter_context(server.accept()[0])
                    connection.recv(1 << 16)
                    connection.sendall(head)

        thread = threading.Thread(target=take_all)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_an_outage_and_its_end_are_said() -> None:
    said: list[str] = []
    with running_server({"*": "x"}, start_delay_s=1.0, refuse_until_ready=True) as server:
        ask(server.base_url, say=said.append)
    assert [line.split(",")[0] for line in said] == [
        "the server cannot be reached",
        "the server can be reached again",
    ]


def test_a_field_that_config_sets_to_null_is_not_sent() -> None:
    spec = replace(SPEC, extra_body={"seed": None, "max_tokens": None, "max_completion_tokens": 50})
    with running_server({"*": "x"}, keep_requests=True) as server:
        assert ask(server.base_url, spec)[0]["error"] is None
        (kept,) = server.kept_requests
    assert not {"seed", "max_tokens"} & set(kept.body)
    assert kept.body["max_completion_tokens"] == 50


def test_an_endpoint_without_the_model_ends_the_job_and_names_what_to_check() -> None:
    spec = replace(SPEC, server="endpoint", base_url="x", path="nobody/knows")
    with running_server({"*": "x"}) as server:
        with pytest.raises(UserError, match=r"does not exist") as caught:
            ask(server.base_url, spec)
        assert sum(server.counts.values()) == 1
    assert "check `path`" in str(caught.value)


def test_an_error_with_numbers_that_nothing_can_store_is_an_error_all_the_same() -> None:
    reply = ask_through(answered(200, '{"error": {"code": 1' + "0" * 40 + ', "message": "odd \\ud83d"}}'))
    assert reply["error"]["kind"] == "error_in_body"
    assert "odd" in reply["error"]["message"]
