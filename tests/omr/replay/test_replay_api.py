from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from omr.errors import UserError
from omr.replay.app import ServerOptions
from omr.replay.dialects import DIALECTS
from omr.replay.launch import RunningServer, running_server
from omr.replay.replies import Reply
from replay_http import CHAT, TEXT, ask, body_of, call

REPLIES = {
    "solve/*": "The answer is 42.",  # 5 tokens
    "think/*": Reply("It is 2.", reasoning="one plus one"),  # 4 and 3 tokens
    "long/*": Reply("half of it", finish_reason="length"),
    "tool/*": "look <tool_call> print(1) </tool_call> done",
    "unicode/ü %/p/0": "naïve 例",
}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(REPLIES) as running:
        yield running


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_chat_reply_has_the_shape_that_servers_send(dialect: str) -> None:
    with running_server(REPLIES, dialect=dialect, model="m") as server:
        body = ask(server.root_url, "solve/row/p/0", model="m").json
    assert body["object"] == "chat.completion"
    assert body["model"] == "m"
    assert isinstance(body["id"], str)
    assert isinstance(body["created"], int)
    assert body["usage"] == {"prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7}
    (choice,) = body["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert (choice["message"]["role"], choice["message"]["content"]) == ("assistant", "The answer is 42.")


def test_a_text_completion_has_the_shape_that_servers_send(server: RunningServer) -> None:
    body = ask(server.root_url, "solve/row/p/0", TEXT).json
    assert body["object"] == "text_completion"
    assert body["choices"][0]["text"] == "The answer is 42."
    assert "message" not in body["choices"][0]


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [("vllm", ["reasoning"]), ("sglang", ["reasoning_content"]), ("trtllm", ["reasoning", "reasoning_content"])],
)
def test_reasoning_is_in_the_fields_of_the_dialect(dialect: str, fields: list[str]) -> None:
    with running_server(REPLIES, dialect=dialect) as server:
        message = ask(server.root_url, "think/row/p/0").choice["message"]
    assert message["content"] == "It is 2."
    assert {name: value for name, value in message.items() if "reasoning" in name} == dict.fromkeys(
        fields, "one plus one"
    )


def test_reasoning_can_be_inside_the_text() -> None:
    with running_server(REPLIES, reasoning_field="text") as server:
        message = ask(server.root_url, "think/row/p/0").choice["message"]
    assert message["content"] == "<think>\none plus one\n</think>\n\nIt is 2."
    assert not any("reasoning" in name for name in message)


def test_reasoning_is_inside_the_text_of_a_text_completion(server: RunningServer) -> None:
    assert ask(server.root_url, "think/row/p/0", TEXT).choice["text"].startswith("<think>\none plus one\n</think>")


@pytest.mark.parametrize(("dialect", "content"), [("vllm", None), ("sglang", "")])
def test_an_answer_cut_inside_its_reasoning_has_no_content(dialect: str, content: str | None) -> None:
    with running_server(REPLIES, dialect=dialect) as server:
        choice = ask(server.root_url, "think/row/p/0", max_tokens=2).choice
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] == content
    assert "one plus" in choice["message"].values()


def test_an_answer_beyond_max_tokens_is_cut(server: RunningServer) -> None:
    response = ask(server.root_url, "solve/row/p/0", max_tokens=3)
    assert (response.choice["message"]["content"], response.choice["finish_reason"]) == ("The answer is", "length")
    assert response.json["usage"]["completion_tokens"] == 3


def test_an_answer_of_exactly_max_tokens_is_whole(server: RunningServer) -> None:
    assert ask(server.root_url, "solve/row/p/0", max_tokens=5).choice["finish_reason"] == "stop"


def test_max_completion_tokens_counts_too(server: RunningServer) -> None:
    assert ask(server.root_url, "solve/row/p/0", max_completion_tokens=3).choice["finish_reason"] == "length"


def test_text_completions_are_16_tokens_long_unless_asked_otherwise() -> None:
    with running_server(30) as server:
        response = ask(server.root_url, "s/row/p/0", TEXT, max_tokens=None)
    assert response.json["usage"]["completion_tokens"] == 16


def test_an_authored_finish_reason_is_kept(server: RunningServer) -> None:
    assert ask(server.root_url, "long/row/p/0").choice["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("dialect", "keep", "field"),
    [
        ("vllm", "include_stop_str_in_output", "stop_reason"),
        ("sglang", "no_stop_trim", "matched_stop"),
        ("trtllm", "include_stop_str_in_output", "stop_reason"),
    ],
)
def test_text_ends_at_the_first_stop_string(dialect: str, keep: str, field: str) -> None:
    stop = ["done", "</tool_call>"]
    with running_server(REPLIES, dialect=dialect) as server:
        cut = ask(server.root_url, "tool/row/p/0", TEXT, stop=stop).choice
        kept = ask(server.root_url, "tool/row/p/0", TEXT, stop=stop, **{keep: True}).choice
    assert (cut["text"], cut["finish_reason"], cut[field]) == ("look <tool_call> print(1) ", "stop", "</tool_call>")
    assert kept["text"] == "look <tool_call> print(1) </tool_call>"


def test_a_text_without_the_stop_string_is_whole(server: RunningServer) -> None:
    choice = ask(server.root_url, "solve/row/p/0", TEXT, stop="</tool_call>").choice
    assert (choice["text"], choice["stop_reason"]) == ("The answer is 42.", None)


def test_a_stop_string_beyond_max_tokens_is_not_reached(server: RunningServer) -> None:
    assert ask(server.root_url, "tool/row/p/0", TEXT, stop="done", max_tokens=2).choice["finish_reason"] == "length"


def test_a_percent_encoded_request_id_is_decoded(server: RunningServer) -> None:
    response = ask(server.root_url, "unicode/%C3%BC%20%25/p/0")
    assert response.choice["message"]["content"] == "naïve 例"
    assert "unicode/ü %/p/0" in server.counts


def test_a_request_id_of_raw_bytes_is_counted_and_refused(server: RunningServer) -> None:
    response = call(server.root_url, "POST", CHAT, body_of(), {"X-Request-Id": b"\xff\xfe".decode("latin-1")})
    assert response.status == 404


def test_an_unknown_request_id_is_404_and_named(server: RunningServer) -> None:
    response = ask(server.root_url, "nobody/row/p/0")
    assert response.status == 404
    assert "nobody/row/p/0" in response.json["error"]["message"]


def test_without_a_request_id_the_missing_header_is_named(server: RunningServer) -> None:
    response = ask(server.root_url, None)
    assert response.status == 400
    assert "X-Request-Id" in response.json["error"]["message"]


def test_a_table_with_a_reply_to_everything_needs_no_request_id() -> None:
    with running_server({"*": "hello"}) as server:
        assert ask(server.root_url, None).choice["message"]["content"] == "hello"
        assert server.counts == {"*": 1}


def test_a_single_token_without_a_request_id_probes_readiness_and_is_not_counted() -> None:
    with running_server({}) as server:
        assert ask(server.root_url, None, max_tokens=1).status == 200
        assert server.counts == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"messages": []}',
        b'{"messages": ["hi"]}',
        b'{"messages": [{"content": "hi"}]}',
        b'{"messages": "hi"}',
        b"\xff",
        body_of(max_tokens=0),
        body_of(max_tokens="9"),
        body_of(max_tokens=True),
        body_of(stop=[""]),
        body_of(stop={"a": 1}),
        body_of(stream_options={"include_usage": True}),
        body_of(n=2),
    ],
)
def test_a_request_that_makes_no_sense_is_400(server: RunningServer, body: bytes) -> None:
    response = call(server.root_url, "POST", CHAT, body, {"X-Request-Id": "solve/row/p/0"})
    assert response.status == 400
    assert response.json["error"]["message"]


def test_content_may_come_in_parts(server: RunningServer) -> None:
    parts = [{"type": "text", "text": "one two"}, {"type": "text", "text": "three"}]
    response = ask(server.root_url, "solve/row/p/0", messages=[{"role": "user", "content": parts}])
    assert response.json["usage"]["prompt_tokens"] == 3


def test_the_model_is_listed_under_its_name() -> None:
    with running_server(REPLIES, model="my-model", context_tokens=777) as server:
        (model,) = call(server.root_url, "GET", "/v1/models").json["data"]
    assert (model["id"], model["max_model_len"]) == ("my-model", 777)


def test_tokenize_counts_prompts_and_messages(server: RunningServer) -> None:
    for body in ({"prompt": "one, two"}, {"messages": [{"role": "user", "content": "one, two"}]}):
        found = call(server.root_url, "POST", "/tokenize", json.dumps(body).encode()).json
        assert (found["count"], len(found["tokens"]), found["max_model_len"]) == (3, 3, 131_072)
    assert call(server.root_url, "POST", "/tokenize", b"{}").status == 400


def test_requests_tells_what_was_asked_and_answered() -> None:
    with running_server(REPLIES) as server:
        for request_id in ("solve/a/p/0", "solve/b/p/0", "solve/a/p/0", "nobody/a/p/0"):
            ask(server.root_url, request_id)
        told = call(server.root_url, "GET", "/requests").json
        assert told == server.requests()
        assert server.received == ["solve/a/p/0", "solve/b/p/0", "solve/a/p/0", "nobody/a/p/0"]
    assert told["received"] == {"solve/a/p/0": 2, "solve/b/p/0": 1, "nobody/a/p/0": 1}
    assert told["answered"] == {"solve/a/p/0": 2, "solve/b/p/0": 1}
    assert (told["total_received"], told["total_answered"], told["in_flight"]) == (4, 3, 0)


def test_requests_can_be_forgotten() -> None:
    with running_server(REPLIES) as server:
        ask(server.root_url, "solve/a/p/0")
        assert call(server.root_url, "POST", "/requests/reset").json["total_received"] == 0
        ask(server.root_url, "solve/b/p/0")
        server_counts = server.counts
    assert server_counts == {"solve/b/p/0": 1}


def test_requests_are_kept_with_headers_and_body_on_demand() -> None:
    with running_server(REPLIES, keep_requests=True) as server:
        ask(server.root_url, "solve/a/p/0", seed=7, headers={"X-Other": "yes"})
        (kept,) = server.kept_requests
    assert (kept.id, kept.path, kept.body["seed"], kept.headers["x-other"]) == ("solve/a/p/0", CHAT, 7, "yes")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_key_is_demanded_for_the_api_but_not_for_health(dialect: str) -> None:
    with running_server(REPLIES, dialect=dialect, api_key="secret") as server:
        refused = ask(server.root_url, "solve/row/p/0", headers={"Authorization": "Bearer other"})
        assert (refused.status, refused.json) == (401, {"error": "Unauthorized"})
        assert ask(server.root_url, "solve/row/p/0").status == 401
        assert call(server.root_url, "GET", "/v1/models").status == 401
        assert call(server.root_url, "GET", "/health").status == 200
        assert ask(server.root_url, "solve/row/p/0", headers={"Authorization": "Bearer secret"}).status == 200


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(ServerOptions(api_key="secret"))


def test_a_function_can_make_replies() -> None:
    with running_server(lambda request_id: request_id.upper() if request_id.startswith("s/") else None) as server:
        assert ask(server.root_url, "s/row/p/0").choice["message"]["content"] == "S/ROW/P/0"
        assert ask(server.root_url, "t/row/p/0").status == 404


def test_a_folder_can_be_served(tmp_path: Path) -> None:
    (tmp_path / "solve.yaml").write_text("about: for this test\nreplies: {row: from the folder}\n")
    with running_server(tmp_path) as server:
        assert ask(server.root_url, "solve/row/p/0").choice["message"]["content"] == "from the folder"


@pytest.mark.parametrize(
    "options", [{"dialect": "ollama"}, {"reasoning_field": "thoughts"}, {"context_tokens": 0}, {"port": 70_000}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UserError), running_server(REPLIES, **options):
        pytest.fail("the server started")


def test_a_port_that_is_taken_is_reported(server: RunningServer) -> None:
    with pytest.raises(UserError, match="cannot listen"), running_server(REPLIES, port=server.port):
        pytest.fail("the server started")


def test_the_port_file_has_the_port(tmp_path: Path) -> None:
    with running_server(REPLIES, port_file=tmp_path / "port") as server:
        assert int((tmp_path / "port").read_text()) == server.port


def test_a_port_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), running_server(5, port_file=tmp_path / "file" / "port"):
        pytest.fail("the server started")
