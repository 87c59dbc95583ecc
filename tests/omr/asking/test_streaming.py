"""Replies in pieces: put together as if they had come whole, or asked again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from omr.asking import client as client_module
from omr.asking import streaming
from omr.asking.client import ChatClient
from omr.asking.hosts import Endpoint
from omr.asking.outcomes import TransientError
from omr.asking.reading import read_reply
from omr.asking.requests import Request, Sampling
from omr.asking.streaming import whole_of_events
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.replay.faults import Fault
from omr.replay.launch import running_server
from omr.replay.replies import Reply as Authored
from omr.replies.reply import Reply

SPEC = ModelSpec("m", "replay", "endpoint", base_url="x", stream=True, retries=3, request_timeout_s=20.0)
REQUEST = Request("row-1", "solve", 0, [{"role": "user", "content": "What is 1 + 1?"}], "00" * 8)
TEXT = "Since $1 \\le 2$, that is ≤, the answer is \\boxed{2}. 🙂 Ünïcödé"
AUTHORED = {"stage/row-1/solve/0": Authored(TEXT, reasoning="Add them. " * 20)}
STORED = ("text", "reasoning", "finish_reason", "usage", "error", "stated_model")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_BACKOFF_S", 0.01)
    monkeypatch.setattr(client_module, "_LONGEST_BACKOFF_S", 0.05)


def ask(*faults: Fault, spec: ModelSpec = SPEC, said: list[str] | None = None, **options: Any) -> tuple[Reply, Any]:
    """The reply, and the server's kept requests."""

    async def run(base_url: str) -> Reply:
        say = (lambda line: None) if said is None else said.append
        async with ChatClient(spec, "stage", Sampling(0.7, 0.95, 200), Endpoint(base_url), say) as client:
            return await client.ask(REQUEST)

    with running_server(AUTHORED, model="replay", faults=faults, keep_requests=True, **options) as server:
        return asyncio.run(run(server.base_url)), server.kept_requests


@pytest.mark.parametrize("dialect", ["vllm", "sglang", "trtllm"])
def test_a_reply_in_pieces_is_stored_as_one_that_came_whole(dialect: str) -> None:
    whole, _ = ask(spec=replace(SPEC, stream=False), dialect=dialect)
    pieces, (kept,) = ask(dialect=dialect)
    assert {key: pieces[key] for key in STORED} == {key: whole[key] for key in STORED}
    assert whole["text"] == TEXT
    assert (kept.body["stream"], kept.body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize(
    "fault",
    [
        Fault("cut_stream", times=2),
        Fault("cut_stream", times=1, after=0.0),
        Fault("end_stream", times=2),
        Fault("end_stream", times=1, after=0.0),
        Fault("error_event", times=2, status=500),
        Fault("error_event", times=2, status=429),
        Fault("error_event", times=1, after=0.0),
        Fault("odd_stream"),
        Fault("odd_stream", interval_s=0.001),
        Fault("drip"),
        Fault("truncate_body", times=1),
        Fault("non_utf8", times=1),
        Fault("null_finish", times=1),
        Fault("abort", times=1),
        Fault("reset", times=1),
        Fault("wrong_shape", times=1, shape="missing"),
        Fault("wrong_shape", times=1, shape="list"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.after}",
)
def test_a_stream_with_a_passing_fault_ends_in_the_right_reply(fault: Fault) -> None:
    reply, _ = ask(fault)
    assert (reply["error"], reply["text"]) == (None, TEXT)


@pytest.mark.parametrize("kind", ["cut_stream", "end_stream", "error_event"])
def test_of_a_stream_that_is_always_cut_nothing_is_stored(kind: str) -> None:
    reply, kept = ask(Fault(kind))
    assert len(kept) == SPEC.retries + 1
    assert reply["text"] is None
    assert reply["error"] is not None


def test_a_stream_that_stands_still_is_given_up_long_before_the_requests_time_limit() -> None:
    reply, kept = ask(Fault("stall_stream", times=1), spec=replace(SPEC, stream_idle_timeout_s=1.0))
    assert (len(kept), reply["text"]) == (2, TEXT)
    reply, _ = ask(Fault("stall_stream"), spec=replace(SPEC, stream_idle_timeout_s=0.2, retries=0))
    assert reply["error"]["message"] == "nothing came for 0.2 s in the middle of a stream"


def test_a_slow_stream_may_take_longer_than_the_idle_time_out() -> None:
    reply, kept = ask(Fault("odd_stream", interval_s=0.02), spec=replace(SPEC, stream_idle_timeout_s=0.5))
    assert (len(kept), reply["text"]) == (1, TEXT)
    assert reply["latency_s"] > 0.5


def test_a_whole_reply_is_kept_though_its_connection_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_AFTER_FINISH_S", 0.1)
    monkeypatch.setattr(streaming, "_AFTER_DONE_S", 0.1)
    for after in (1.0, 0.999):  # everything; everything but the last event
        reply, kept = ask(Fault("stall_stream", after=after))
        assert (len(kept), reply["text"]) == (1, TEXT)


def test_a_host_that_only_streams_is_found_out_and_asked_so() -> None:
    said: list[str] = []
    reply, kept = ask(spec=replace(SPEC, stream=None, retries=0), said=said, streaming="only")
    assert reply["text"] == TEXT
    assert [request.body["stream"] for request in kept] == [False, True]
    assert len(said) == 1
    assert "in pieces from now on" in said[0]


def test_a_host_that_only_streams_is_told_where_config_forbids_it() -> None:
    with pytest.raises(UserError, match="only sends replies in pieces") as caught:
        ask(spec=replace(SPEC, stream=False), streaming="only")
    assert "`stream: true` of the model 'm'" in str(caught.value)


def test_a_gateway_that_streams_unasked_is_understood() -> None:
    reply, kept = ask(spec=replace(SPEC, stream=False), streaming="always")
    assert (reply["text"], len(kept)) == (TEXT, 1)


def test_a_host_that_does_not_know_stream_options_is_asked_without_and_counts_no_tokens() -> None:
    said: list[str] = []
    reply, kept = ask(spec=replace(SPEC, retries=0), said=said, refuse=["stream_options"])
    assert (reply["text"], reply["usage"]) == (TEXT, None)
    assert ["stream_options" in request.body for request in kept] == [True, False]
    assert len(said) == 1


def test_an_error_in_a_stream_ends_the_job_where_any_would() -> None:
    with pytest.raises(UserError, match="used up"):
        ask(Fault("error_event", status=402, message="pay"))


def test_an_endless_stream_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "MAX_STREAM_BYTES", 1 << 20)
    reply, _ = ask(Fault("huge", megabytes=8))
    assert reply["error"]["kind"] == "oversized_body"


# ---- what servers put into their events ---------------------------------------------------------------------------


def events(*chunks: Any, done: bool = True) -> bytes:
    lines = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return b"".join([*lines, b"data: [DONE]\n\n" if done else b""])


def delta(finish: Any = None, **what: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": what, "finish_reason": finish}]}


def told(*chunks: Any, **options: Any) -> Any:
    return read_reply(whole_of_events(events(*chunks, **options)), tools=True)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_comes_in_pieces_of_its_own(name: str) -> None:
    pieces: Sequence[dict[str, Any]] = [delta(**{name: part, "content": None}) for part in ("Think", "ing.")]
    found = told(delta(role="assistant", content=""), *pieces, delta(content="It is "), delta("stop", content="4."))
    assert (found.reasoning, found.text, found.finish_reason) == ("Thinking.", "It is 4.", "stop")


def test_reasoning_as_parts_of_a_content_keeps_its_place() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": part}]} for part in ("Thin", "king.")]
    found = told(delta(content=[parts[0]]), delta(content=[parts[1]]), delta(content="4"), delta("stop", content="."))
    assert (found.reasoning, found.text) == ("Thinking.", "4.")


def test_numbers_of_tokens_come_with_an_event_of_their_own_or_with_each() -> None:
    usage = [{"usage": {"prompt_tokens": 3, "completion_tokens": number}} for number in (1, 9)]
    assert told(delta(content="a"), delta("stop"), {"choices": [], **usage[1]}).usage["completion_tokens"] == 9
    each = told(delta(content="a") | usage[0], delta("stop") | usage[1], {"choices": [], "usage": None})
    assert each.usage == {"prompt_tokens": 3, "completion_tokens": 9}


@pytest.mark.parametrize("with_index", [True, False])
def test_calls_of_tools_are_put_together_from_their_pieces(with_index: bool) -> None:
    def call(number: int, **fields: Any) -> dict[str, Any]:
        return {"tool_calls": [({"index": number} if with_index else {}) | fields]}

    found = whole_of_events(
        events(
            delta(**call(0, id="a", type="function", function={"name": "run", "arguments": ""})),
            delta(**call(0, function={"arguments": '{"code": '})),
            delta(**call(0, id="a", function={"name": "run", "arguments": '"1"}'})),
            delta(**call(1, id="b", type="function", function={"name": "run", "arguments": "{}"})),
            delta("tool_calls"),
        )
    )
    first, second = found["choices"][0]["message"]["tool_calls"]
    assert (first["id"], first["function"]) == ("a", {"name": "run", "arguments": '{"code": "1"}'})
    assert (second["id"], second["function"]["arguments"]) == ("b", "{}")


class CountedIndex(int):
    """An index that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedIndex.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_a_call_is_found_among_many_without_going_through_them() -> None:
    message, number, pieces = streaming._Message(), 2000, 3
    for piece in range(pieces):
        for index in range(number):
            message.add({"tool_calls": [{"index": CountedIndex(index), "function": {"arguments": f"{piece};"}}]})
    assert CountedIndex.compared <= 10 * number * pieces  # not with the square of them
    assert [call["function"]["arguments"] for call in message.whole()["tool_calls"]] == ["0;1;2;"] * number


def test_pieces_of_one_text_are_joined_once_however_many_there_are() -> None:
    message = streaming._Message()
    for number in range(5000):
        function = {"arguments": str(number), "more": {"deep": "x"}, "name": "run"}
        message.add({"tool_calls": [{"index": 0, "id": "a", "function": function}], "details": {"note": "n"}})
    assert isinstance(message._calls[0]["function"]["arguments"], list)
    whole = message.whole()
    [call] = whole["tool_calls"]
    assert call == {
        "id": "a",
        "function": {"arguments": "".join(map(str, range(5000))), "more": {"deep": "x" * 5000}, "name": "run"},
    }
    assert whole["details"] == {"note": "n" * 5000}


@pytest.mark.parametrize("index", [[1, 2], {"a": [1]}, "first", 1.5, True])
def test_any_index_names_a_call(index: Any) -> None:
    message = streaming._Message()
    for part in ("a", "b"):
        message.add({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    message.add({"tool_calls": [{"index": 7, "function": {"arguments": "c"}}]})
    assert [call["function"]["arguments"] for call in message.whole()["tool_calls"]] == ["ab", "c"]


def test_a_whole_message_at_the_end_is_not_taken_twice() -> None:
    last = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "It is 4."}, "finish_reason": "stop"}]}
    assert told(delta(content="It is "), delta(content="4."), last).text == "It is 4."


def test_what_stopped_a_completion_is_kept() -> None:
    pieces = [{"choices": [{"index": 0, "text": part, "finish_reason": None}]} for part in ("a", "b")]
    last = {"choices": [{"index": 0, "text": "", "finish_reason": "stop", "stop_reason": "</tool_call>"}]}
    choice = whole_of_events(events(*pieces, last))["choices"][0]
    assert (choice["text"], choice["stop_reason"], choice["finish_reason"]) == ("ab", "</tool_call>", "stop")


def test_an_end_that_was_said_is_not_unsaid_by_later_events() -> None:
    assert told(delta("length", content="a"), delta(None), done=False).finish_reason == "length"


@pytest.mark.parametrize("done", [True, False])
def test_a_stream_without_a_reason_for_its_end_is_half_a_reply(done: bool) -> None:
    with pytest.raises(TransientError, match="without saying why"):
        told(delta(content="It is \\boxed{4}."), done=done)


def test_an_empty_stream_is_no_reply() -> None:
    with pytest.raises(TransientError, match="no event"):
        told()


def test_a_character_that_is_cut_between_two_events_is_whole() -> None:
    said = [b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n']
    said += [b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00b"},"finish_reason":"stop"}]}\n\n']
    assert whole_of_events(b"".join(said))["choices"][0]["message"]["content"] == "a😀b"
    alone = whole_of_events(said[1])["choices"][0]["message"]["content"]
    assert alone == "\ufffdb"


@pytest.mark.parametrize(
    "between",
    [b"data:\n\n", b"data:  \n\n", b"event: heartbeat\ndata: ok\n\n", b"event: ping\ndata: 7\n\n", b"event: x\n\n"],
)
def test_what_only_keeps_a_stream_open_changes_nothing(between: bytes) -> None:
    pieces = [events(delta(content="a"), done=False), events(delta("stop", content="b"))]
    assert whole_of_events(between + pieces[0] + between + pieces[1]) == whole_of_events(b"".join(pieces))


@pytest.mark.parametrize("kind", [b"", b"event: message\n", b"event: error\n"])
def test_an_event_of_a_reply_that_is_no_json_is_a_fault(kind: bytes) -> None:
    with pytest.raises(TransientError, match="unreadable body"):
        whole_of_events(kind + b"data: boom\n\n" + events(delta("stop", content="b")))


@pytest.mark.parametrize("odd", [{"choices": "x"}, {"choices": [1]}, {"choices": [{"delta": "x"}]}, {"choices": None}])
def test_an_event_that_says_nothing_changes_nothing(odd: Any) -> None:
    assert told(delta(content="4."), odd, delta("stop")).text == "4."


@pytest.mark.parametrize("odd", [[1], "text", 7, None])
def test_an_event_that_is_no_object_is_no_part_of_a_reply(odd: Any) -> None:
    with pytest.raises(TransientError, match="no object"):
        told(delta(content="4."), odd, delta("stop"))
