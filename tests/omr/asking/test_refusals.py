"""What hosts say of fields that they do not take, and what is made of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from omr.asking.client import ChatClient
from omr.asking.hosts import Endpoint
from omr.asking.outcomes import FinalError
from omr.asking.refusals import Refusals, Refused, retry_after_s
from omr.asking.requests import Request, Sampling
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.replay.launch import running_server
from omr.replies.reply import Reply
from omr.servers.error_bodies import wants_stream

SPEC = ModelSpec("m", "replay", "endpoint", base_url="http://x/v1", retries=1)
SENT = {"model": "x", "messages": [], "temperature": 0.7, "top_p": 1.0, "max_tokens": 9, "seed": 3, "stream": False}
REQUEST = Request("r", "p", 0, [{"role": "user", "content": "1 + 1?"}], "00" * 8)


def refuse(body: Any, status: int = 400, spec: ModelSpec = SPEC, **sent: Any) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    Refusals(spec).raise_for("http://x/v1", Refused(status, content, sent=SENT | sent))


@pytest.mark.parametrize(
    ("field", "status", "body"),
    [
        (
            "max_tokens",
            400,
            {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use something "
             "else instead.", "param": "max_tokens", "code": "unsupported_parameter"}},
        ),
        ("seed", 400, {"error": {"message": "Unrecognized request argument supplied: seed"}}),
        ("temperature", 400, {"error": {"message": "`temperature` does not support 0.7 with this model."}}),
        ("seed", 422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}),
        ("top_k", 400, {"error": "[{'type': 'extra_forbidden', 'loc': ('body', 'top_k')}] Extra inputs are not permitted"}),
        ("seed", 400, {"error": {"message": "property 'seed' is unsupported"}}),
        ("seed", 400, {"error": {"message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'}}),
        ("top_p", 400, {"message": "temperature_and: the parameter [top_p] is not permitted"}),
        ("seed", 400, {"error": {"message": "This model does not support the parameter seed"}}),
        ("stop", 400, {"error": {"message": "Unknown parameter: 'stop'.", "param": "stop"}}),
    ],
)  # fmt: skip
def test_a_field_that_is_not_taken_ends_the_job_and_says_how_to_leave_it_out(
    field: str, status: int, body: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=f"does not take the field `{field}`") as caught:
        refuse(body, status, top_k=20, stop=["x"])
    assert f"write `omit: [{field}]` of the model 'm'" in str(caught.value)


def test_the_other_name_of_max_tokens_is_told() -> None:
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    with pytest.raises(UserError, match="max_tokens") as caught:
        refuse({"error": {"message": message}})
    assert "rename: {max_tokens: max_completion_tokens}" in str(caught.value)


def test_what_config_itself_adds_is_to_be_taken_out_where_it_stands() -> None:
    spec = replace(SPEC, extra_body={"effort": "low"}, rename={"max_tokens": "limit"})
    for field, key in (("effort", "extra_body"), ("limit", "rename")):
        with pytest.raises(UserError) as caught:
            refuse({"error": {"message": f"unknown field '{field}'"}}, spec=spec, **{field: 1})
        assert f"out of `{key}`" in str(caught.value)


def test_a_field_that_other_requests_had_too_fails_this_one_alone() -> None:
    refusals = Refusals(SPEC, has_answered=True)
    with pytest.raises(FinalError, match=r"write `omit: \[seed\]`") as caught:
        refusals.raise_for("http://x/v1", Refused(400, b'{"error": "seed is not supported here"}', sent=SENT))
    assert caught.value.kind == "bad_request"


@pytest.mark.parametrize(
    "message",
    [
        "top_p must be between 0 and 1",
        "messages with role 'tool' must follow a call",
        "this image is not supported",
        "Invalid value for `n`",
        "Unsupported language in the model's prompt",
    ],
)
def test_a_refusal_of_a_value_concerns_one_request_only(message: str) -> None:
    with pytest.raises(FinalError) as caught:
        refuse({"error": {"message": message}})
    assert caught.value.kind == "bad_request"


@pytest.mark.parametrize(
    "message",
    [
        "This model only support stream mode, please enable the stream parameter to access the model.",
        "stream must be true for this model",
        "Non-streaming requests are not supported",
        "Please set stream=true",
        "only streaming is available for this route",
    ],
)
def test_a_host_that_only_streams_says_so_in_many_words(message: str) -> None:
    assert wants_stream(400, message)


@pytest.mark.parametrize("message", ["the upstream server is gone", "too many streams", "stream_options is unknown"])
def test_other_sentences_with_the_word_are_no_wish_to_stream(message: str) -> None:
    assert not wants_stream(400, message)


def test_a_server_without_a_field_is_asked_without_it_and_named_where_config_sends_it() -> None:
    def ask(spec: ModelSpec, sampling: Sampling, **options: Any) -> Any:
        async def run(url: str) -> Any:
            async with ChatClient(spec, "s", sampling, Endpoint(url)) as client:
                return await client.ask(REQUEST)

        with running_server(4, model="replay", keep_requests=True, **options) as server:
            return asyncio.run(run(server.base_url)), server.kept_requests[-1].body

    plain, long = Sampling(0.7, 0.95, 64), Sampling(0.7, 0.95, 64, {"top_k": 20})
    for dialect in ("vllm", "sglang", "trtllm"):
        with pytest.raises(UserError, match="does not take the field `seed`"):
            ask(SPEC, plain, refuse=["seed"], dialect=dialect)
    spec = replace(SPEC, omit=("seed", "top_k"), rename={"max_tokens": "max_completion_tokens"})
    reply, body = ask(spec, long, refuse=["seed", "top_k", "max_tokens"])
    assert reply["error"] is None
    assert (reply["seed"], body["max_completion_tokens"]) == (0, 64)


@pytest.mark.parametrize(
    ("extra", "server_refuses"),
    [
        ({"stream": False}, {"streaming": "only"}),
        ({"stream_options": {"include_usage": True}}, {"refuse": ["stream_options"]}),
    ],
)
def test_what_is_refused_though_it_was_changed_is_not_asked_without_end(
    extra: dict[str, Any], server_refuses: dict[str, Any]
) -> None:
    # What `sampling` says is said last: there the change changes nothing.
    async def run(base_url: str) -> Reply:
        async with ChatClient(SPEC, "s", Sampling(0.7, 1.0, 9, extra), Endpoint(base_url)) as client:
            return await client.ask(REQUEST)

    with running_server(8, model="replay", **server_refuses) as server:
        reply = asyncio.run(asyncio.wait_for(run(server.base_url), 60))
        assert sum(server.counts.values()) <= 3
    assert reply["error"]["kind"] == "bad_request"


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 01 Jan 2027 00:00:00 +99999999999999",
        "Mon, 01 Jan 2027 99:99:99 GMT",
        "Mon, 32 Foo",
        "1.²",
        "",
        "-5",
    ],
)
def test_a_time_to_come_back_that_there_cannot_be_is_none(text: str) -> None:
    assert retry_after_s(text) is None


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:secret@host:8443/v1/login?key=secret#secret", "(status 302, to https://host:8443/v1/login)"),
        ("//user:secret@host/login", "(status 302, to //host/login)"),
        ("/login?token=secret", "(status 302, to /login)"),
        ("http:\\\\user:secret@host/login", "(status 302)"),
        ("http://[secret/", "(status 302)"),
        ("http://host:secret/", "(status 302)"),
        ("http://host/\x1b[2Jsecret", "(status 302)"),
        ("?secret", "(status 302)"),
        (None, "(status 302)"),
    ],
)
def test_where_a_redirection_leads_is_told_without_what_may_be_secret(location: str | None, shown: str) -> None:
    with pytest.raises(UserError) as caught:
        Refusals(SPEC).raise_for("http://x/v1", Refused(302, b"", location=location))
    assert caught.value.what == f"http://x/v1 sends requests elsewhere {shown}"
