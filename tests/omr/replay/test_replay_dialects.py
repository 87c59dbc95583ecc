from __future__ import annotations

import pytest
from omr.replay.dialects import DIALECTS
from omr.replay.faults import Fault
from omr.replay.launch import running_server
from replay_http import Response, ask, call


def ask_dialect(dialect: str, prompt: str = "Hello there", **fields: object) -> Response:
    """A request to a server with a context of 20 tokens whose replies have 50."""
    with running_server(50, dialect=dialect, context_tokens=20) as server:
        return ask(server.root_url, "s/row/p/0", messages=[{"role": "user", "content": prompt}], **fields)


def message_of(response: Response) -> str:
    """The message of an error in the shape of the response's dialect."""
    body = response.json
    return str(body["error"]["message"] if "error" in body else body["message"])


def test_vllm_clips_max_tokens_silently() -> None:
    response = ask_dialect("vllm", max_tokens=20)
    assert (response.status, response.choice["finish_reason"]) == (200, "length")
    assert response.json["usage"] == {"prompt_tokens": 2, "completion_tokens": 18, "total_tokens": 20}


def test_vllm_refuses_max_tokens_beyond_the_context() -> None:
    response = ask_dialect("vllm", max_tokens=21)
    assert response.status == 400
    assert "max_tokens=21 cannot be greater than max_model_len=" in message_of(response)


def test_vllm_refuses_a_prompt_that_fills_the_context() -> None:
    response = ask_dialect("vllm", prompt="word " * 20, max_tokens=1)
    assert response.status == 400
    assert message_of(response).startswith("This model's maximum context length is 20 tokens. However, your prompt")


@pytest.mark.parametrize(("dialect", "words"), [("sglang", "Requested token count exceeds"), ("trtllm", "max_seq_len")])
def test_sglang_and_trtllm_refuse_what_does_not_fit(dialect: str, words: str) -> None:
    assert ask_dialect(dialect, max_tokens=18).status == 200
    response = ask_dialect(dialect, max_tokens=19)
    assert response.status == 400
    assert words in message_of(response)


@pytest.mark.parametrize(
    ("dialect", "words"),
    [("sglang", "The input (20 tokens) is longer than the model's context length"), ("trtllm", "max_num_tokens (20)")],
)
def test_sglang_and_trtllm_refuse_a_prompt_that_fills_the_context(dialect: str, words: str) -> None:
    response = ask_dialect(dialect, prompt="word " * 20, max_tokens=1)
    assert response.status == 400
    assert words in message_of(response)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_max_tokens_a_chat_gets_the_rest_of_the_context(dialect: str) -> None:
    assert ask_dialect(dialect, max_tokens=None).json["usage"]["completion_tokens"] == 18


@pytest.mark.parametrize(("dialect", "status"), [("vllm", 404), ("sglang", 200), ("trtllm", 200)])
def test_only_vllm_minds_an_unknown_model(dialect: str, status: int) -> None:
    assert ask_dialect(dialect, model="another", max_tokens=5).status == status


@pytest.mark.parametrize(("dialect", "status"), [("vllm", 200), ("sglang", 200), ("trtllm", 400)])
def test_only_trtllm_refuses_unknown_fields(dialect: str, status: int) -> None:
    assert ask_dialect(dialect, no_stop_trim=True, max_tokens=5).status == status


def test_trtllm_validation_errors_are_a_bare_text() -> None:
    body = ask_dialect("trtllm", surprise=1).json
    assert list(body) == ["error"]
    assert "surprise" in body["error"]


def test_vllm_errors_are_nested() -> None:
    error = ask_dialect("vllm", max_tokens=21).json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("BadRequestError", 400)


@pytest.mark.parametrize("dialect", ["sglang", "trtllm"])
def test_other_errors_are_flat(dialect: str) -> None:
    body = ask_dialect(dialect, max_tokens=21).json
    assert (body["object"], body["type"], body["code"]) == ("error", "BadRequestError", 400)
    assert isinstance(body["message"], str)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("status", [429, 503, 418, 599])
def test_a_status_on_purpose_has_the_body_of_the_dialect(dialect: str, status: int) -> None:
    with running_server(5, dialect=dialect, faults=[Fault("status", status=status, message="not now")]) as server:
        response = ask(server.root_url, "s/row/p/0")
    assert response.status == status
    assert message_of(response) == "not now"
    assert ("error" in response.json) == (dialect == "vllm")


@pytest.mark.parametrize(("dialect", "status"), [("vllm", 200), ("sglang", 200), ("trtllm", 404)])
def test_trtllm_does_not_tokenize(dialect: str, status: int) -> None:
    with running_server(5, dialect=dialect) as server:
        assert call(server.root_url, "POST", "/tokenize", b'{"prompt": "x"}').status == status
