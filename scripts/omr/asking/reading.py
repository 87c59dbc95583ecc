"""What a body of status 200 says: a whole reply in one form, whatever server wrote it, or what is wrong with it.

Servers fill the OpenAI API's fields differently: fields that are empty mean nothing, reasons to end have other names,
text comes in parts, reasoning in several fields or twice. What none of these rules reads is an error and no guess.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import orjson

from omr.answers.reasoning import split_reasoning
from omr.asking.outcomes import FinalError, TransientError
from omr.files.patterns import lazy
from omr.files.surrogates import without_surrogates
from omr.replies.usage import MOST_TOKENS
from omr.servers.error_bodies import is_too_deep, says_nothing, status_within

#: Why a reply ended, in the servers' words (lower case, `_` between words): by itself, ...
_STOP = """
    stop stopped eos eos_token eos_found eosfound end end_turn endoftext stop_sequence stop_token stop_word word
    stop_string stop_string_found stopstringfound matched_stop complete completed finish finished done normal
"""
#: ... at a limit of tokens, ...
_LENGTH = """
    length max_tokens max_token max_length max_new_tokens model_length max_output_tokens token_limit limit
    length_capped max_completion_tokens maxpredictedtokensreached contextlengthreached context_length
    context_length_exceeded model_context_window_exceeded max_context_length incomplete
"""
#: ... because the server's owner does not want it, ...
_REFUSED = """
    content_filter content_filtered safety recitation blocklist prohibited_content spii refusal refused
    guardrail_intervened error_toxic sensitive image_safety language moderation
"""
#: ... or because the server was stopped, or is in trouble: half a text, worth another try.
_BROKEN_OFF = """
    abort aborted cancel cancelled canceled error timeout time_limit deadline_exceeded network_error load unload
    insufficient_system_resource other not_finished unspecified null none server_error user_stopped userstopped failed
"""
#: A call of a tool that was never offered: without a call in the message it is an end like any other.
_CALLED = "tool_calls tool_call tool_use function_call"
_MEANINGS = {
    word: meaning
    for meaning, words in (
        ("stop", _STOP),
        ("length", _LENGTH),
        ("refused", _REFUSED),
        ("broken_off", _BROKEN_OFF),
        ("called", _CALLED),
    )
    for word in words.split()
}
#: Where a message's reasoning stands; the first that says something counts.
_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_text", "reasoning_details")
_CALL_FIELDS = ("tool_calls", "function_call")
#: Where a part has what it says.
_TEXT_KEYS: tuple[str, ...] = ("text", "content", "value")
_THOUGHT_KEYS: tuple[str, ...] = ("thinking", "reasoning", "text", "content", "summary")
#: Parts within parts: none goes deeper.
_DEEPEST = 4
#: A reasoning that is repeated without marks around it is known as such from so many characters on.
_LONG = 100
_OPENING = lazy(r"\s*(?:[<\[][^<>\[\]\n]{1,40}[>\]]\s*)?")
_CLOSING = lazy(r"\s*[<\[][/|][^<>\[\]\n]{1,40}[>\]]\s*")


class Told(NamedTuple):
    """A whole reply: `finish_reason` is `stop` or `length`, `stated_model` the name that the server says it has."""

    text: str
    reasoning: str | None
    finish_reason: str
    usage: dict[str, int] | None
    stated_model: str | None


def parse_body(content: bytes, *, is_piece: bool = False) -> Any:
    """The JSON of a body. Half a surrogate pair becomes U+FFFD; in a piece of a body it stays, since the other half may
    be in the next one. Raises TransientError, with the body's start."""
    found = _parsed(content, is_piece)
    if is_too_deep(found):
        raise TransientError("unreadable_body", "status 200 with a body of values within values without end", 200)
    return found


def _parsed(content: bytes, is_piece: bool) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        text = content.decode("utf-8-sig", "surrogatepass")
        # Not so strict as orjson: lone surrogates, NaN among log probabilities, line breaks within strings.
        found = json.loads(text, strict=False)
        return found if is_piece else without_surrogates(found)
    except (ValueError, RecursionError) as error:
        shown = " ".join(content[:200].decode("utf-8", "replace").split())
        message = f"status 200 with an unreadable body ({error}), which begins: {shown!r}"
        raise TransientError("unreadable_body", message, 200) from error


def holds_error(body: Any) -> bool:
    """Whether a body of status 200 is an error and no reply, or its choice has failed at the server."""
    choice = _choice(body)
    if choice is not None and not says_nothing(choice.get("error")):
        return True
    if not isinstance(body, dict) or (choice is not None and (choice.get("message") or "text" in choice)):
        return False
    named = any(not says_nothing(body.get(key)) for key in ("error", "errors", "detail", "message", "base_resp"))
    return named or body.get("object") == "error" or status_within(body) is not None


def error_of(body: Any) -> Any:
    """The error object of a body that `holds_error`: its own, or its choice's."""
    choice = _choice(body)
    if choice is not None and not says_nothing(choice.get("error")):
        return {"error": choice["error"]}
    return body


def _choice(body: Any) -> dict[str, Any] | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def read_reply(body: Any, *, tools: bool = False) -> Told:
    """The reply of a body of `/v1/chat/completions` or `/v1/completions`; `tools`: one was offered.

    Raises TransientError for no whole reply, FinalError for a refusal and for what cannot be understood.
    """
    choice = _choice(body)
    message = choice.get("message") if choice is not None else None
    if choice is not None and message is None and isinstance(choice.get("text"), str):
        message = {"content": choice["text"]}
    if choice is None or not isinstance(message, dict):
        raise TransientError("wrong_shape", f"a 200 body without choices[0].message: {_shown(body)}", 200)
    reason = _word(choice.get("finish_reason"))
    meaning = _MEANINGS.get(reason)
    refusal = message.get("refusal")
    if meaning == "refused" or not says_nothing(refusal):
        raise FinalError("refused", refusal[:1000] if isinstance(refusal, str) and refusal else "content filter", 200)
    if meaning == "broken_off":
        # A server that is being stopped answers 200 with half a text and `abort`.
        raise TransientError("unfinished", f"finish_reason {reason!r}", 200)
    if meaning is None:
        raise FinalError("unknown_finish", _unknown_finish(choice.get("finish_reason")), 200)
    if not tools and any(not says_nothing(message[field]) for field in _CALL_FIELDS if field in message):
        raise FinalError("called_tool", "the model called a tool, but none was offered to it", 200)
    text, thought = _content(message.get("content"))
    text, reasoning = once(text, thought or _reasoning_field(message))
    stated = body.get("model")
    return Told(
        text,
        reasoning,
        "length" if meaning == "length" else "stop",
        _usage(body),
        stated[:200] if isinstance(stated, str) else None,
    )


def _word(reason: Any) -> str:
    """A reason to end as `_MEANINGS` spells it; `null` without one."""
    if isinstance(reason, str) and reason in _MEANINGS:
        return reason
    if isinstance(reason, dict):
        reason = reason.get("type") or reason.get("reason")
    if says_nothing(reason):
        return "null"
    word = re.sub(r"[\s.-]+", "_", str(reason)[:100].strip().lower())
    return word.removeprefix("finish_reason_").removeprefix("reason_")


def _unknown_finish(reason: Any) -> str:
    return (
        f"the server ended the reply with finish_reason {str(reason)[:60]!r}, a word that is not known here: whether "
        "the text is whole cannot be told (the known ones stand in scripts/omr/asking/reading.py)"
    )


def _shown(body: Any) -> str:
    return repr(body)[:200]


class _Pieces:
    """Text and reasoning of a content, gathered from its parts in their order."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []

    def add(self, content: Any, thought: bool = False, depth: int = 0) -> None:
        """Add a text, a part, or a list of parts. Raises TransientError for no text, FinalError for other parts."""
        if isinstance(content, str):
            (self.reasoning if thought else self.text).append(content)
        elif isinstance(content, list) and depth < _DEEPEST:
            for part in content:
                self.add(part, thought, depth + 1)
        elif isinstance(content, dict) and depth < _DEEPEST:
            self._add_part(content, thought, depth)
        elif content is not None:
            raise TransientError("wrong_shape", f"the message's content is no text: {_shown(content)}", 200)

    def _add_part(self, part: dict[str, Any], thought: bool, depth: int) -> None:
        kind = str(part.get("type") or "text").lower()
        if kind == "refusal":
            raise FinalError("refused", str(part.get("refusal"))[:1000], 200)
        if "thinking" in kind or "reasoning" in kind:
            # Encrypted reasoning has other fields, and nothing to read.
            names, thought = _THOUGHT_KEYS, True
        elif "text" in kind:
            names = _TEXT_KEYS
        else:
            raise FinalError("unknown_part", f"the message has a part that is no text: {_shown(part)}", 200)
        said = next((part[name] for name in names if not says_nothing(part.get(name))), None)
        self.add(said, thought, depth + 1)


def _content(content: Any) -> tuple[str, str]:
    """Text and reasoning of a message's content."""
    if isinstance(content, str):
        return content, ""
    pieces = _Pieces()
    pieces.add(content)
    return "".join(pieces.text), "".join(pieces.reasoning)


def _reasoning_field(message: dict[str, Any]) -> str | None:
    for name in _REASONING_FIELDS:
        if name in message and not says_nothing(message[name]):
            pieces = _Pieces()
            pieces.add(message[name], thought=True)
            return "".join(pieces.reasoning)
    return None


def once(text: str, reasoning: str | None) -> tuple[str, str | None]:
    """(text, reasoning) of which the text does not say the reasoning again.

    Servers that split reasoning off may leave it in the text as well, between tags or bare, or have the whole text in
    both places; tags may have stayed around it, too.
    """
    if not reasoning:
        return text, None
    bare = reasoning.strip().removeprefix("<think>").removesuffix("</think>").strip()
    if not bare or bare == text.strip():
        return text, None
    start = text.find(bare)
    opening = _OPENING.fullmatch(text, 0, start) if start >= 0 else None
    if opening is not None:
        closing = _CLOSING.match(text, start + len(bare))
        rest = text[closing.end() if closing else start + len(bare) :]
        if closing is not None or (not opening[0].strip() and len(bare) >= _LONG and rest.strip()):
            return rest, bare
    within, rest = split_reasoning(text)
    if within is not None:
        ours, theirs = "".join(within.split()), "".join(bare.split())
        if ours in theirs:
            return rest, bare
        if theirs in ours:
            return rest, within.strip()
    return text, reasoning


def _usage(body: dict[str, Any]) -> dict[str, int] | None:
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = {k: usage[k] for k in ("prompt_tokens", "completion_tokens") if _is_count(usage.get(k))}
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return counts | ({"cached_tokens": cached} if _is_count(cached) else {})


def _is_count(value: Any) -> bool:
    """Whether it is a number of tokens that a reply can have."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
