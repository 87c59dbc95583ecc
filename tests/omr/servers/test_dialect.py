from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.models.model import SERVERS
from omr.servers.dialect import dialect_of, is_context_overflow, parse_error_body

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
    ],
)
def test_each_servers_way_to_say_that_a_prompt_is_too_long_is_known(message: str) -> None:
    assert is_context_overflow(400, message)


@pytest.mark.parametrize(
    ("status", "message"),
    [(400, "temperature must be at least 0"), (500, "maximum context length"), (404, "no such model"), (429, "slow")],
)
def test_other_errors_are_no_context_overflow(status: int, message: str) -> None:
    assert not is_context_overflow(status, message)


def test_every_server_that_config_can_name_has_a_dialect() -> None:
    assert {server: dialect_of(server).seed for server in SERVERS} == dict.fromkeys(SERVERS, True)


@pytest.mark.parametrize(
    ("server", "unknown"),
    [
        ("vllm", ["no_stop_trim", "rid"]),
        ("sglang", ["include_stop_str_in_output"]),
        ("trtllm", ["no_stop_trim", "rid"]),
        ("endpoint", ["include_stop_str_in_output", "no_stop_trim", "rid", "top_k"]),
    ],
)
def test_fields_that_a_server_does_not_take_are_named(server: str, unknown: list[str]) -> None:
    asked = dict.fromkeys(["seed", "top_k", "no_stop_trim", "include_stop_str_in_output", "rid", "temperature"], 1)
    assert dialect_of(server).unknown_fields(asked) == unknown
