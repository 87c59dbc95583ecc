"""How the model servers differ in what the replay server imitates: error bodies, limits, names of fields.

Observed on vLLM 0.32.0 and SGLang 0.5.23; TensorRT-LLM 1.2.1 from its published source. Where a detail of the last is
not known, the stricter behaviour is imitated.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from omr.errors import UserError


class RefusedError(Exception):
    """A request that is answered with an error: `status` and the JSON `body` in the server's own shape."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


def _error_type(status: int) -> str:
    words = HTTPStatus(status).phrase.replace(" ", "") if status in set(HTTPStatus) else "Unknown"
    return words if words.endswith("Error") else words + "Error"


class Dialect:
    """What is common; the defaults are those of a server that takes everything."""

    name: str
    owner: str  # `owned_by` in the list of models
    reasoning_fields: tuple[str, ...]  # where a message carries its reasoning
    stop_field: str  # where a choice carries the stop string that ended it
    keep_stop_field: str  # the request's field that keeps the stop string in the text
    cut_reasoning_content: str | None = ""  # `content` of a message that ended inside its reasoning
    lists_models_early = False  # /v1/models answers while the server still starts
    has_tokenize = True

    def error_body(self, status: int, message: str, param: str | None = None) -> dict[str, Any]:
        """The JSON body of an error (the flat shape)."""
        return {
            "object": "error",
            "message": message,
            "type": _error_type(status),
            "param": param,
            "code": status,
        }

    def refusal(self, status: int, message: str, param: str | None = None) -> RefusedError:
        """The exception that stands for an error in this server's shape."""
        return RefusedError(status, self.error_body(status, message, param))

    def unauthorized(self) -> RefusedError:
        """The answer to a missing or wrong key: none of the servers uses its usual shape here."""
        return RefusedError(401, {"error": "Unauthorized"})

    def check_fields(self, names: Iterable[str]) -> None:
        """Raise RefusedError if the server does not know a field of the request."""

    def check_model(self, asked: Any, served: str) -> None:
        """Raise RefusedError if the server minds that `asked` is not the model it serves."""

    def allowed_tokens(self, prompt: int, wanted: int | None, context: int) -> int:
        """Tokens that the completion may have, from the prompt's tokens, the request's `max_tokens` (None: the rest of
        the context) and the context length. Raises RefusedError where the server refuses."""
        raise NotImplementedError


class VllmDialect(Dialect):
    """vLLM: nested errors, knows its model's name, clips `max_tokens` silently to what the context has left."""

    name, owner = "vllm", "vllm"
    reasoning_fields = ("reasoning",)
    stop_field, keep_stop_field = "stop_reason", "include_stop_str_in_output"
    cut_reasoning_content = None

    def error_body(self, status: int, message: str, param: str | None = None) -> dict[str, Any]:
        return {"error": {"message": message, "type": _error_type(status), "param": param, "code": status}}

    def check_model(self, asked: Any, served: str) -> None:
        if asked is not None and asked != served:
            raise self.refusal(404, f"The model `{asked}` does not exist.", "model")

    def allowed_tokens(self, prompt: int, wanted: int | None, context: int) -> int:
        if wanted is not None and wanted > context:
            message = f"max_tokens={wanted} cannot be greater than max_model_len=max_total_tokens={context}."
            raise self.refusal(400, message, "max_tokens")
        if prompt >= context:
            limit = f"This model's maximum context length is {context} tokens."
            message = f"{limit} However, your prompt contains at least {prompt} input tokens."
            raise self.refusal(400, message, "input_tokens")
        return context - prompt if wanted is None else min(wanted, context - prompt)


class SglangDialect(Dialect):
    """SGLang: flat errors, takes any model's name, refuses what does not fit the context."""

    name, owner = "sglang", "sglang"
    reasoning_fields = ("reasoning_content",)
    stop_field, keep_stop_field = "matched_stop", "no_stop_trim"
    lists_models_early = True

    def allowed_tokens(self, prompt: int, wanted: int | None, context: int) -> int:
        if prompt >= context:
            message = f"The input ({prompt} tokens) is longer than the model's context length ({context} tokens)."
            raise self.refusal(400, message)
        if wanted is not None and prompt + wanted > context:
            limit = f"Requested token count exceeds the model's maximum context length of {context} tokens."
            message = f"{limit} You requested {prompt + wanted}: {prompt} in the input and {wanted} to complete it."
            raise self.refusal(400, message)
        return context - prompt if wanted is None else wanted


class TrtllmDialect(Dialect):
    """TensorRT-LLM: flat errors, `{"error": "<text>"}` for fields it does not know, ignores the model's name."""

    name, owner = "trtllm", "tensorrt_llm"
    reasoning_fields = ("reasoning_content", "reasoning")
    stop_field, keep_stop_field = "stop_reason", "include_stop_str_in_output"
    has_tokenize = False

    def check_fields(self, names: Iterable[str]) -> None:
        unknown = [name for name in names if name not in _TRTLLM_FIELDS]
        if unknown:
            faults = [{"type": "extra_forbidden", "loc": ("body", name)} for name in unknown]
            raise RefusedError(400, {"error": f"{faults} Extra inputs are not permitted"})

    def allowed_tokens(self, prompt: int, wanted: int | None, context: int) -> int:
        if prompt >= context:
            message = f"The sum of prompt length ({prompt}.0), query length (0) should not exceed max_num_tokens"
            raise self.refusal(400, f"{message} ({context})")
        if wanted is not None and prompt + wanted > context:
            message = f"The prompt length ({prompt}) and max_tokens ({wanted}) exceed max_seq_len ({context})"
            raise self.refusal(400, message)
        return context - prompt if wanted is None else wanted


_TRTLLM_FIELD_NAMES = """
    model messages prompt max_tokens max_completion_tokens temperature top_p top_k top_p_min min_p seed n best_of stop
    stop_token_ids stream stream_options echo suffix user logprobs top_logprobs logit_bias presence_penalty
    frequency_penalty repetition_penalty length_penalty early_stopping use_beam_search min_tokens ignore_eos
    include_stop_str_in_output skip_special_tokens spaces_between_special_tokens truncate_prompt_tokens
    add_special_tokens add_generation_prompt documents chat_template chat_template_kwargs reasoning_effort
    response_format tools tool_choice priority detokenize return_perf_metrics lora_request disaggregated_params
"""
_TRTLLM_FIELDS = frozenset(_TRTLLM_FIELD_NAMES.split())

_DIALECTS = {dialect.name: dialect for dialect in (VllmDialect(), SglangDialect(), TrtllmDialect())}
DIALECTS = tuple(_DIALECTS)


def dialect_named(name: str) -> Dialect:
    """The dialect of that name. Raises UserError for an unknown one."""
    if name not in _DIALECTS:
        raise UserError(f"the dialect {name!r} is unknown", remedy=f"there are: {', '.join(DIALECTS)}")
    return _DIALECTS[name]
