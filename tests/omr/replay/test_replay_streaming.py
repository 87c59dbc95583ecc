"""The replay server in pieces and in batches, as a client that knows nothing of ours sees it."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from omr.errors import UserError
from omr.replay.app import ServerOptions
from omr.replay.faults import Fault
from omr.replay.launch import RunningServer, running_server
from omr.replay.replies import Reply

REPLIES = {"*": Reply("Four ≤ five 🙂.", reasoning="Count.")}


def post(server: RunningServer, path: str, body: Any, content_type: str = "application/json") -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": content_type, "X-Request-Id": "s/r/p/0"}
    with urlopen(Request(server.base_url + path, content, headers), timeout=20) as response:
        return bytes(response.read())


def get(server: RunningServer, path: str) -> Any:
    with urlopen(server.base_url + path, timeout=20) as response:
        return json.loads(response.read())


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "replay", "messages": [{"role": "user", "content": "2 + 2?"}], "max_tokens": 50} | fields


def chunks(stream: bytes) -> list[Any]:
    events = [event.removeprefix("data: ") for event in stream.decode().split("\n\n") if event]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


def test_a_stream_has_a_role_then_reasoning_then_text_then_an_end_and_the_tokens() -> None:
    with running_server(REPLIES) as server:
        whole = json.loads(post(server, "/chat/completions", chat()))
        stream = chunks(post(server, "/chat/completions", chat(stream=True, stream_options={"include_usage": True})))
    assert stream[0]["choices"][0]["delta"]["role"] == "assistant"
    deltas = [chunk["choices"][0]["delta"] for chunk in stream[:-1]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "Four ≤ five 🙂."
    assert "".join(delta.get("reasoning") or "" for delta in deltas) == "Count."
    assert [chunk["choices"][0]["finish_reason"] for chunk in stream[:-1]] == [None] * (len(deltas) - 1) + ["stop"]
    assert (stream[-1]["choices"], stream[-1]["usage"]) == ([], whole["usage"])
    assert {chunk["object"] for chunk in stream} == {"chat.completion.chunk"}


def test_tokens_are_told_only_where_they_are_asked_for() -> None:
    with running_server(REPLIES) as server:
        assert not any("usage" in chunk for chunk in chunks(post(server, "/chat/completions", chat(stream=True))))


def test_a_host_may_only_stream_or_not_know_a_field() -> None:
    with running_server(REPLIES, streaming="only", refuse=["seed"]) as server:
        for body, said in ((chat(), "enable `stream`"), (chat(stream=True, seed=1), "Unsupported parameter: 'seed'")):
            with pytest.raises(HTTPError) as caught:
                post(server, "/chat/completions", body)
            assert said in caught.value.read().decode()
    with pytest.raises(UserError, match="there are: asked, always, only"):
        ServerOptions(streaming="never")


def test_a_fault_must_strike_within_a_stream() -> None:
    with pytest.raises(UserError, match="`after`"):
        Fault("cut_stream", after=2.0)


# ---- batches ----------------------------------------------------------------------------------------------------


def upload(server: RunningServer, lines: list[Any]) -> str:
    content = "\n".join(json.dumps(line) for line in lines)
    body = f'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{content}\r\n--x--\r\n'  # fmt: skip
    return str(json.loads(post(server, "/files", body.encode(), "multipart/form-data; boundary=x"))["id"])


def line(name: str, **body: Any) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": chat(**body)}


def test_a_batch_is_answered_after_some_looks_with_its_failures_in_a_file_of_their_own() -> None:
    faults = [Fault("status", match="bad", status=500), Fault("expire", match="late"), Fault("skip", match="gone")]
    with running_server(REPLIES, faults=faults, batch_looks=2) as server:
        file = upload(server, [line(name) for name in ("good", "bad", "late", "gone")])
        asked = {"input_file_id": file, "endpoint": "/v1/chat/completions", "metadata": {"mine": "1"}}
        batch = json.loads(post(server, "/batches", asked))
        looks = [get(server, f"/batches/{batch['id']}") for _ in range(3)]
        assert [look["status"] for look in looks] == ["in_progress", "in_progress", "expired"]
        assert get(server, "/batches?limit=5")["data"][0]["metadata"] == {"mine": "1"}
        contents = []
        for key in ("output_file_id", "error_file_id"):
            with urlopen(f"{server.base_url}/files/{looks[-1][key]}/content", timeout=20) as response:
                contents.append({row["custom_id"]: row for row in map(json.loads, response.read().splitlines())})
        assert set(contents[0]) == {"good"}
        assert contents[0]["good"]["response"]["body"]["choices"][0]["message"]["content"] == "Four ≤ five 🙂."
        assert set(contents[1]) == {"bad", "late"}
        assert contents[1]["late"]["error"]["code"] == "batch_expired"


def test_a_batch_with_a_wrong_line_fails_as_a_whole_and_names_it() -> None:
    with running_server(REPLIES, batch_looks=0) as server:
        file = upload(server, [line("a"), line("b", messages="none")])
        batch = json.loads(post(server, "/batches", {"input_file_id": file}))
        seen = get(server, f"/batches/{batch['id']}")
        assert (seen["status"], seen["output_file_id"]) == ("failed", None)
        assert [fault["line"] for fault in seen["errors"]["data"]] == [2]
        with pytest.raises(HTTPError) as caught:
            post(server, "/batches", {"input_file_id": "none"})
        assert caught.value.code == 404
