"""What the servers' OpenAI-compatible APIs do differently: optional request fields, stop strings, error bodies.

Read in the request models of vLLM 0.32.0 and SGLang 0.5.23, and for TensorRT-LLM in its public source near 1.2.1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Sampling fields beyond the OpenAI API that vLLM, SGLang and TensorRT-LLM all take under the same name.
_COMMON_SAMPLING = frozenset({"top_k", "min_p", "repetition_penalty", "min_tokens", "ignore_eos", "stop_token_ids"})
#: Longer bodies are no error messages; what is parsed and what is kept stays bounded.
_LONGEST_BODY, _LONGEST_MESSAGE = 1 << 20, 4000


@dataclass(frozen=True)
class RequestDialect:
    """Which optional fields a server's `/v1/chat/completions` and `/v1/completions` take, and what they mean there."""

    seed: bool = True  # takes `seed`; no server promises equal texts for equal seeds
    sampling_fields: frozenset[str] = frozenset()  # beyond temperature, top_p, max_tokens, stop, penalties
    refuses_unknown_fields: bool = False  # else they are silently ignored
    top_k_off: int | None = None  # the value of `top_k` that considers every token
    keep_stop_field: str | None = None  # true: the stop string stays in the text
    stop_field: str | None = None  # field of a choice that names the stop string or token
    request_id_field: str | None = None  # body field; the header X-Request-Id may be ignored where there is one
    tokenize_path: str | None = None  # POST {model, prompt | messages} -> {count}; below the server's root, not /v1
    clips_max_tokens: bool = False  # prompt + max_tokens beyond the context: shortened silently, else refused

    def unknown_fields(self, fields: Mapping[str, Any]) -> list[str]:
        """Those of the given sampling fields that this server would refuse or silently ignore, sorted."""
        known = self.sampling_fields | ({"seed"} if self.seed else frozenset())
        known |= {name for name in (self.keep_stop_field, self.request_id_field) if name is not None}
        return sorted(set(fields) - known - _STANDARD)


#: Of the OpenAI API: every server takes them.
_STANDARD = frozenset(
    {"model", "messages", "prompt", "stream", "stream_options", "user", "n", "response_format", "tools", "tool_choice"}
    | {"temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "frequency_penalty", "presence_penalty"}
    | {"logprobs", "top_logprobs", "logit_bias"}
)

_DIALECTS = {
    "vllm": RequestDialect(
        sampling_fields=_COMMON_SAMPLING | {"chat_template_kwargs", "skip_special_tokens", "priority"},
        top_k_off=0,
        keep_stop_field="include_stop_str_in_output",
        stop_field="stop_reason",
        request_id_field="request_id",
        tokenize_path="/tokenize",
        clips_max_tokens=True,
    ),
    "sglang": RequestDialect(
        sampling_fields=_COMMON_SAMPLING | {"chat_template_kwargs", "skip_special_tokens", "priority"},
        top_k_off=-1,
        keep_stop_field="no_stop_trim",
        stop_field="matched_stop",
        request_id_field="rid",
        tokenize_path="/tokenize",
    ),
    "trtllm": RequestDialect(
        sampling_fields=_COMMON_SAMPLING | {"chat_template_kwargs", "skip_special_tokens"},
        refuses_unknown_fields=True,
        top_k_off=0,
        keep_stop_field="include_stop_str_in_output",
        stop_field="stop_reason",
    ),
    # The bundled server speaks vLLM's dialect unless a test asks for another.
    "replay": RequestDialect(
        sampling_fields=_COMMON_SAMPLING,
        top_k_off=0,
        keep_stop_field="include_stop_str_in_output",
        stop_field="stop_reason",
        tokenize_path="/tokenize",
    ),
    # Nothing is known of a hosted endpoint but that it speaks the OpenAI API.
    "endpoint": RequestDialect(refuses_unknown_fields=True),
}


def dialect_of(server: str) -> RequestDialect:
    """The dialect of a server of `omr.models.model.SERVERS`. Raises KeyError for another."""
    return _DIALECTS[server]


def parse_error_body(body: bytes | str) -> str:
    """What an error body says, on one line: its message, and in brackets its code if that is a word.

    Understands `{"error": {"message", "type", "code"}}` (vLLM, most hosts), the flat `{"object": "error", "message",
    "code"}` (SGLang, TensorRT-LLM), `{"error": "text"}` (TensorRT-LLM's validation) and `{"detail": ...}` (gateways).
    Anything else is shown as it is. Never raises; at most 4,000 characters, all of which UTF-8 can encode.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        message = _message(json.loads(text)) if len(text) <= _LONGEST_BODY else None
    except (ValueError, RecursionError):
        message = None
    shown = " ".join((message or text[: 2 * _LONGEST_MESSAGE]).split())[:_LONGEST_MESSAGE]
    # JSON can spell lone surrogates, which no writer of UTF-8 takes.
    return shown.encode("utf-8", "replace").decode() or "no message"


def _message(content: Any) -> str | None:
    if not isinstance(content, dict):
        return content if isinstance(content, str) else None
    error = content.get("error", content)
    if isinstance(error, str):
        # Gateways put a word here and the sentence beside it.
        beside = content.get("message") or content.get("detail")
        return f"{error}: {beside}" if isinstance(beside, str) else error
    if not isinstance(error, dict):
        return None
    message = error.get("message") or error.get("detail") or error.get("title")
    if message is None:
        return None
    code = error.get("code")
    shown = message if isinstance(message, str) else json.dumps(message)
    return f"{shown} [{code}]" if isinstance(code, str) and not code.isdigit() else shown


#: Statuses that may mean an overflow, and how the servers put it (lower case).
_OVERFLOW_STATUSES = frozenset({400, 413, 422})
_OVERFLOW_PHRASES = (
    "maximum context length",  # vLLM, SGLang, many hosts
    "model's context length",  # SGLang
    "maximum model length",  # vLLM
    "max_model_len",  # vLLM
    "max_num_tokens",  # TensorRT-LLM
    "max_seq_len",  # TensorRT-LLM
    "max_input_len",  # engines of TensorRT-LLM
    "maximum input length",
    "context_length_exceeded",
    "context window",
    "prompt is too long",
)


def is_context_overflow(status: int, message: str) -> bool:
    """Whether a refusal means that prompt and completion do not fit the model's context: no retry can help."""
    if status not in _OVERFLOW_STATUSES:
        return False
    shown = message.lower()
    return any(phrase in shown for phrase in _OVERFLOW_PHRASES)
