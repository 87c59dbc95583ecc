"""What the bodies of refusals are understood to say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.servers.error_bodies import (
    is_context_overflow,
    is_quota_used_up,
    is_too_deep,
    is_web_page,
    parse_error_body,
    says_nothing,
    status_within,
)

VLLM = {"error": {"message": "no such model", "type": "NotFoundError", "param": None, "code": 404}}
FLAT = {"object": "error", "message": "too many tokens", "type": "BadRequestError", "param": None, "code": 400}
GATEWAY = {"status": 404, "title": "Not Found", "detail": "Function 'x': Not found for account"}
HOSTED = {"error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}}
NESTED = {"detail": [{"loc": ["body", "n"], "msg": "extra fields not permitted"}]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (json.dumps(VLLM), "no such model"),
        (json.dumps(FLAT), "too many tokens"),
        (json.dumps({"error": "1 validation error"}), "1 validation error"),
        (json.dumps({"error": "denied", "message": "no quota"}), "denied: no quota"),
        (json.dumps(GATEWAY), "Function 'x': Not found for account"),
        (json.dumps(HOSTED), "too long [context_length_exceeded]"),
        (json.dumps(NESTED), '[{"loc": ["body", "n"], "msg": "extra fields not permitted"}]'),
        (b"<html>\n  502 Bad Gateway\n</html>", "<html> 502 Bad Gateway </html>"),
        (b"", "no message"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("null", "null"),
        ("[" * 100_000, "[" * 4000),
        ('{"error": {"message": "\\ud800"}}', "?"),
    ],
)
def test_every_shape_of_error_body_gives_its_message(body: bytes | str, message: str) -> None:
    assert parse_error_body(body) == message


def _nested(depth: int, inner: object = 1) -> object:
    """A value within so many lists and objects, in turn."""
    for level in range(depth):
        inner = [inner, 0] if level % 2 else {"a": "b", "c": inner}
    return inner


@pytest.mark.parametrize(
    ("depth", "is_deep"), [(0, False), (1, False), (63, False), (64, True), (65, True), (400, True)]
)
def test_values_within_values_are_too_deep_from_a_bound_on_however_little_they_hold(depth: int, is_deep: bool) -> None:
    assert is_too_deep(_nested(depth)) is is_deep
    assert is_too_deep([["{" * 500, "[" * 500] * 500, _nested(max(depth - 1, 0))]) is is_deep


_LEAF = st.none() | st.booleans() | st.integers() | st.text()
_JSON = st.recursive(_LEAF, lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=5)
_KEYS = st.sampled_from(["error", "message", "detail", "title", "code"])


@settings(max_examples=100, deadline=None)
@given(st.binary() | st.dictionaries(_KEYS, _JSON | st.dictionaries(_KEYS, _JSON)).map(json.dumps))
def test_any_body_gives_one_bounded_line_that_can_be_stored(body: bytes | str) -> None:
    message = parse_error_body(body)
    assert message
    assert len(message.splitlines()) == 1
    assert len(message) <= 4000
    assert message.encode("utf-8").decode() == message


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8 tokens. However, your prompt contains at least 9 input tokens",
        "max_tokens=9 cannot be greater than max_model_len=8. Please request fewer output tokens.",
        "The decoder prompt (length 9) is longer than the maximum model length of 8.",
        "The input (9 tokens) is longer than the model's context length (8 tokens).",
        "Requested token count exceeds the model's maximum context length of 8 tokens.",
        "The sum of prompt length (9.0), query length (0) should not exceed max_num_tokens (8)",
        "prompt_token_ids length (9) is greater than max_seq_len (8)",
        "too long [context_length_exceeded]",
        "the request exceeds the available context size, try increasing it [exceed_context_size_error]",
        "litellm.ContextWindowExceededError: BadRequestError: the input does not fit",
        "Requested tokens (5000) exceed context window of 4096",
        "Your input of 9000 tokens is too long for this model",
        "The prompt has 9000 tokens, which is more than the 8192 that are allowed",
        "input length 9000 exceeds the limit of 8192",
        "too many tokens in the prompt: 9000",
    ],
)
def test_each_servers_way_to_say_that_a_prompt_is_too_long_is_known(message: str) -> None:
    assert is_context_overflow(400, message)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "temperature must be at least 0"),
        (400, "stop: too many stop sequences, at most 4 are allowed"),
        (400, "top_k must not be greater than 100"),
        (400, "Rate limit: more than 40000 input tokens per minute"),
        (500, "maximum context length"),
        (404, "no such model"),
        (429, "slow"),
    ],
)
def test_other_errors_are_no_context_overflow(status: int, message: str) -> None:
    assert not is_context_overflow(status, message)


def used_up(status: int, error: dict[str, Any], retry_after: str | None = None) -> bool:
    body = {"error": error}
    return is_quota_used_up(status, body, parse_error_body(json.dumps(body)), retry_after)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"message": "Nothing left.", "type": "insufficient_quota", "code": "insufficient_quota"}),
        (429, {"message": "Nothing left.", "type": "insufficient_quota", "code": None}),
        (402, {"message": "anything"}),
        (400, {"message": "Your credit balance is too low to use this API."}),
        (403, {"message": "The account has insufficient balance"}),
        (429, {"message": "The monthly budget is exceeded: 20.1 of 20.0"}),
        (429, {"message": "Quota exhausted, please top up"}),
        (200, {"message": "Out of credits"}),
        (429, {"message": "You have no credits left."}),
        (429, {"message": "Insufficient balance or no resource package. Please recharge.", "code": "1113"}),
        (429, {"message": "Stopped", "code": "billing_hard_limit_reached"}),
        (400, {"message": "You have reached your specified usage limits."}),
        (400, {"message": "over", "type": "budget_exceeded"}),
        (429, {"message": "Stopped", "type": "exceeded_current_quota_error"}),
    ],
)
def test_a_quota_that_is_used_up_is_known_in_many_words(status: int, error: dict[str, Any]) -> None:
    assert used_up(status, error)


@pytest.mark.parametrize(
    ("status", "error", "retry_after"),
    [
        (429, {"message": "Rate limit reached, please try again in 2 s", "code": "rate_limit_exceeded"}, None),
        (429, {"message": "Quota exceeded for requests per minute", "status": "RESOURCE_EXHAUSTED"}, None),
        (429, {"message": "You exceeded your current quota"}, "17"),
        (429, {"message": "Too many requests"}, None),
        (429, {"message": "Resource has been exhausted (e.g. check quota).", "status": "RESOURCE_EXHAUSTED"}, None),
        (429, {"message": "Limit of tokens per min reached. Add a payment method under billing"}, None),
        (500, {"message": "quota service exceeded its time"}, None),
        (400, {"message": "thinking.budget_tokens exceeds max_tokens"}, None),
    ],
)
def test_a_limit_that_passes_is_no_quota_that_is_used_up(
    status: int, error: dict[str, Any], retry_after: str | None
) -> None:
    assert not used_up(status, error, retry_after)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 402}}, 402),
        ({"error": {"code": "429", "message": "x"}}, 429),
        ({"error": {"type": "rate_limit_error"}, "code": None}, 429),
        ({"error": {"status": "UNAVAILABLE", "code": 14}}, 503),
        ({"object": "error", "code": 400, "message": "x"}, 400),
        ({"error": {"type": "invalid_api_key"}}, 401),
        ({"type": "error", "error": {"type": "overloaded_error"}}, 503),
        ({"errors": [{"code": 429}]}, 429),
        ({"success": False, "code": 402, "msg": "x"}, 402),
        ({"error": "text"}, None),
        ({"error": {"code": 1234567}}, None),
        ("text", None),
    ],
)
def test_an_error_object_names_its_status_by_number_or_word(body: Any, status: int | None) -> None:
    assert status_within(body) == status


@pytest.mark.parametrize("value", [None, "", " ", [], {}, False, 0, {"code": None, "message": ""}, [{}], [None]])
def test_an_empty_field_says_nothing(value: Any) -> None:
    assert says_nothing(value)


@pytest.mark.parametrize("value", ["no", [1], {"a": {"b": "c"}}, True, 7])
def test_a_field_with_something_in_it_says_something(value: Any) -> None:
    assert not says_nothing(value)


def test_a_page_is_told_from_json_by_its_first_sign() -> None:
    assert is_web_page(b"\xef\xbb\xbf \n<!DOCTYPE html>")
    assert is_web_page(b"<html>")
    assert not is_web_page(b'{"choices": "<html>"}')
    assert not is_web_page(b"")
