"""From a request's JSON body and a reply to the JSON body that a model server would answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from omr.replay.dialects import Dialect
from omr.replay.replies import Reply
from omr.replay.tokens import count_tokens, first_tokens
from omr.replay.turns import rest_of_messages, rest_of_text

#: /v1/completions generates so many tokens where the request does not say.
_DEFAULT_COMPLETION_TOKENS = 16
#: A turn that ends with one of these has ended with a block: the model writes on unless it is stopped.
_CLOSINGS = ("</tool_call>", "```\n")
#: How a message's reasoning is sent: as the dialect's fields, as one of the two fields, or inside the text.
REASONING_FIELDS = ("dialect", "reasoning", "reasoning_content", "text")


class Asked(NamedTuple):
    """What a request asks for, as far as a replay has to know; `answers`: messages of the model that it holds."""

    is_chat: bool
    model: Any
    prompt_tokens: int
    max_tokens: int | None
    stop: tuple[str, ...]
    keep_stop: bool
    prompt: str = ""  # of /v1/completions
    answers: int = 0
    offers_tools: bool = False
    streams: bool = False
    counts_stream: bool = False  # wants the numbers of tokens at the end of a stream


class Answer(NamedTuple):
    """What is answered: the reply after stop strings and limits, `stop` being the stop string that ended it, `code`
    that of a tool it calls, `cached_tokens` those of the prompt that were known already (None: it does not tell)."""

    text: str
    reasoning: str | None
    finish_reason: str
    stop: str | None
    prompt_tokens: int
    completion_tokens: int
    code: str | None = None
    cached_tokens: int | None = None


def parse_request(content: bytes, is_chat: bool, dialect: Dialect) -> Asked:
    """What a request's body asks for. Raises RefusedError where the server of this dialect answers with an error."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise dialect.refusal(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise dialect.refusal(400, "the body must be a JSON object")
    dialect.check_fields(body)
    if body.get("n") not in (None, 1):
        raise dialect.refusal(400, "a replay answers with one choice: no `n` above 1")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise dialect.refusal(400, "stream_options can only be set if `stream` is true", "stream_options")
    max_tokens = _max_tokens(body, dialect)
    return Asked(
        is_chat=is_chat,
        model=body.get("model"),
        prompt_tokens=_prompt_tokens(body, is_chat, dialect),
        max_tokens=max_tokens if is_chat or max_tokens is not None else _DEFAULT_COMPLETION_TOKENS,
        stop=_stop_strings(body, dialect),
        keep_stop=body.get(dialect.keep_stop_field) is True,
        prompt="" if is_chat else body["prompt"],
        answers=_answers(body.get("messages")),
        offers_tools=bool(body.get("tools")),
        streams=bool(body.get("stream")),
        counts_stream=_wants_usage(body.get("stream_options")),
    )


def _wants_usage(options: Any) -> bool:
    return isinstance(options, dict) and options.get("include_usage") is True


def _answers(messages: Any) -> int:
    return sum(message.get("role") == "assistant" for message in messages) if isinstance(messages, list) else 0


def _max_tokens(body: dict[str, Any], dialect: Dialect) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise dialect.refusal(400, f"{name} must be at least 1, got {value!r}", name)
        return value
    return None


def _prompt_tokens(body: dict[str, Any], is_chat: bool, dialect: Dialect) -> int:
    if not is_chat:
        prompt = body.get("prompt")
        if not isinstance(prompt, str):
            raise dialect.refusal(400, "`prompt` must be a text", "prompt")
        return count_tokens(prompt)
    tokens = message_tokens(body.get("messages"))
    if tokens is None:
        raise dialect.refusal(400, "`messages` must be a list of messages with role and content", "messages")
    return tokens


def message_tokens(messages: Any) -> int | None:
    """Tokens of the contents of chat messages (texts or lists of text parts); None if they are no messages."""
    if not isinstance(messages, list) or not messages:
        return None
    total = 0
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            return None
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else None
            total += count_tokens(text) if isinstance(text, str) else 0
    return total


def _stop_strings(body: dict[str, Any], dialect: Dialect) -> tuple[str, ...]:
    stop = body.get("stop")
    strings = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(strings, list) or not all(isinstance(item, str) and item for item in strings):
        raise dialect.refusal(400, "`stop` must be a text or a list of texts", "stop")
    return tuple(strings)


def answer(asked: Asked, reply: Reply, allowed_tokens: int, reasoning_in_text: bool) -> Answer:
    """What a server generates when the model says `reply`: at most `allowed_tokens`, up to the first stop string."""
    text, reasoning, code = reply.text, reply.reasoning, None
    finish_reason = reply.finish_reason
    if reply.turns:
        rest = rest_of_messages(reply, asked.answers) if asked.is_chat else rest_of_text(reply, asked.prompt, _CLOSINGS)
        text, code, finish_reason = rest
    if reasoning is not None and (reasoning_in_text or not asked.is_chat):
        text, reasoning = f"<think>\n{reasoning}\n</think>\n\n{text}", None
    reasoning_tokens = 0 if reasoning is None else count_tokens(reasoning)
    stop, tokens = None, reasoning_tokens + count_tokens(text) + count_tokens(code or "")
    if tokens > allowed_tokens:
        finish_reason, tokens, code = "length", allowed_tokens, None
        text = first_tokens(text, allowed_tokens - reasoning_tokens)
        reasoning = None if reasoning is None else first_tokens(reasoning, allowed_tokens)
    ended = _cut_at_stop(text, asked)
    if ended is not None:
        text, stop = ended
        finish_reason, tokens = "stop", reasoning_tokens + count_tokens(text)
    return Answer(text, reasoning, finish_reason, stop, asked.prompt_tokens, tokens, code)


def _cut_at_stop(text: str, asked: Asked) -> tuple[str, str] | None:
    """(text up to the first stop string, that string), or None if there is none. Reasoning is not searched."""
    found = [(place, stop) for stop in asked.stop if (place := text.find(stop)) >= 0]
    if not found:
        return None
    place, stop = min(found)
    return text[: place + len(stop)] if asked.keep_stop else text[:place], stop


def response_body(
    answer: Answer, asked: Asked, dialect: Dialect, model: str, number: str, reasoning_fields: Sequence[str]
) -> dict[str, Any]:
    """The JSON body of a 200: `number` makes its id, `reasoning_fields` carry the reasoning of a chat message."""
    choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": answer.finish_reason}
    choice[dialect.stop_field] = answer.stop
    if asked.is_chat:
        cut_in_reasoning = answer.finish_reason == "length" and answer.reasoning is not None and not answer.text
        content = dialect.cut_reasoning_content if cut_in_reasoning else answer.text
        calls = [] if answer.code is None else [_call(answer.code, number)]
        message: dict[str, Any] = {"role": "assistant", "content": content, "tool_calls": calls}
        if calls:
            choice["finish_reason"] = "tool_calls"
        choice["message"] = message | dict.fromkeys(reasoning_fields, answer.reasoning)
    else:
        choice["text"] = answer.text
    usage: dict[str, Any] = {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }
    if answer.cached_tokens is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": answer.cached_tokens}
    return {
        "id": ("chatcmpl-" if asked.is_chat else "cmpl-") + number,
        "object": "chat.completion" if asked.is_chat else "text_completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": usage,
    }


def _call(code: str, number: str) -> dict[str, Any]:
    arguments = orjson.dumps({"code": code}).decode()
    return {"id": f"call-{number}", "type": "function", "function": {"name": "run_python", "arguments": arguments}}


def aborted(whole: Answer) -> Answer:
    """The answer as a server that is being stopped gives it: half of the text, finish_reason `abort`."""
    text = whole.text[: len(whole.text) // 2]
    tokens = count_tokens(text) + count_tokens(whole.reasoning or "")
    return whole._replace(text=text, finish_reason="abort", stop=None, completion_tokens=tokens)
