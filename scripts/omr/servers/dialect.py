"""What the servers' OpenAI-compatible APIs do differently in requests: optional fields, stop strings.

Read in the request models of vLLM 0.32.0 and SGLang 0.5.23, and for TensorRT-LLM in its public source near 1.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

#: Sampling fields beyond the OpenAI API that vLLM, SGLang and TensorRT-LLM all take under the same name.
_COMMON_SAMPLING = frozenset({"top_k", "min_p", "repetition_penalty", "min_tokens", "ignore_eos", "stop_token_ids"})


class RequestDialect(NamedTuple):
    """Which optional fields a server's `/v1/chat/completions` and `/v1/completions` take, and what they mean there."""

    seed: bool = True  # takes `seed`; no server promises equal texts for equal seeds
    sampling_fields: frozenset[str] = frozenset()  # beyond temperature, top_p, max_tokens, stop, penalties
    refuses_unknown_fields: bool = False  # else they are silently ignored
    top_k_off: int | None = None  # the value of `top_k` that considers every token
    keep_stop_field: str | None = None  # true: the stop string stays in the text
    stop_field: str | None = None  # field of a choice that names the stop string or token
    special_tokens_field: str | None = None  # false: a text prompt gets no token put before it
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

#: The bundled server speaks vLLM's dialect unless a test asks for another.
_REPLAY = RequestDialect(
    sampling_fields=_COMMON_SAMPLING,
    top_k_off=0,
    keep_stop_field="include_stop_str_in_output",
    special_tokens_field="add_special_tokens",
    stop_field="stop_reason",
    tokenize_path="/tokenize",
)
_DIALECTS = {
    "vllm": RequestDialect(
        sampling_fields=_COMMON_SAMPLING | {"chat_template_kwargs", "skip_special_tokens", "priority"},
        top_k_off=0,
        keep_stop_field="include_stop_str_in_output",
        special_tokens_field="add_special_tokens",
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
        special_tokens_field="add_special_tokens",
        stop_field="stop_reason",
    ),
    "authored": _REPLAY,
    "replay": _REPLAY,
    # Nothing is known of a hosted endpoint but that it speaks the OpenAI API.
    "endpoint": RequestDialect(refuses_unknown_fields=True),
    "batch": RequestDialect(refuses_unknown_fields=True),
}


def dialect_of(server: str) -> RequestDialect:
    """The dialect of a server of `omr.models.model.SERVERS`. Raises KeyError for another."""
    return _DIALECTS[server]
