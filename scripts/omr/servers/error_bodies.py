"""What the bodies of refusals say: a message, a status inside a 200, an overflow of the context, a quota used up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from omr.files.patterns import lazy

#: Longer bodies are no error messages; what is parsed and what is kept stays bounded.
_LONGEST_BODY, _LONGEST_MESSAGE = 1 << 20, 4000
#: No API nests more; what goes through a body may call itself so often.
_DEEPEST = 64
_CONTAINERS = (dict, list)


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


def json_or_none(body: bytes) -> Any:
    """A body's JSON; None if it is none, or too long or too deep for an error."""
    try:
        found = json.loads(body) if len(body) <= _LONGEST_BODY else None
    except (ValueError, RecursionError):
        return None
    return None if is_too_deep(found) else found


def is_too_deep(found: Any) -> bool:
    """Whether a body's JSON has values within values deeper than any API's."""
    level = [found] if isinstance(found, _CONTAINERS) else []
    for _ in range(_DEEPEST):
        if not level:
            return False
        values = [value for outer in level for value in (outer.values() if isinstance(outer, dict) else outer)]
        level = [value for value in values if isinstance(value, _CONTAINERS)]
    return True


def without_key(content: bytes, key: str | None) -> bytes:
    """What a host says, without the key that it was sent: some repeat it in their refusals."""
    return content.replace(key.encode(), b"***") if key else content


def is_web_page(content: bytes) -> bool:
    """Whether a body is markup, as login pages of proxies are: what no API answers begins with a tag."""
    return content[:200].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def says_nothing(value: Any) -> bool:
    """Whether a field's value is there only because its server sends all fields: null, empty, false, 0, or such."""
    if value is None:  # as most are, and this is asked of several fields of every reply
        return True
    if isinstance(value, dict | list):
        return all(map(says_nothing, value.values() if isinstance(value, dict) else value))
    return not value if not isinstance(value, str) else not value.strip()


#: Where an error names itself, and under which keys.
_CODE_KEYS = ("code", "status", "status_code", "statusCode", "error_code", "type", "reason")
#: Words that errors are named by, and the status that most servers send with them.
_STATUS_OF_WORDS = (
    (lazy(r"rate.?limit|too.?many|throttl|resource.?exhausted"), 429),
    (lazy(r"quota|insufficient|payment|billing"), 402),
    (lazy(r"unauthori[sz]ed|unauthenticated|authentication|api.?key"), 401),
    (lazy(r"permission|forbidden"), 403),
    (lazy(r"overload|unavailable|capacity"), 503),
    (lazy(r"not.?found"), 404),
    (lazy(r"context.?length|bad.?request|invalid"), 400),
    (lazy(r"time.?out|deadline"), 504),
    (lazy(r"internal|server"), 500),
)


def error_labels(content: Any) -> list[Any]:
    """The words and numbers by which an error body names its fault, the innermost object's first."""
    if not isinstance(content, dict):
        return []
    inner = content.get("error") or content.get("errors")
    inner = inner[0] if isinstance(inner, list) else inner
    labels = error_labels(inner) if isinstance(inner, dict) else []
    return labels + [content[key] for key in _CODE_KEYS if isinstance(content.get(key), str | int)]


def status_within(content: Any) -> int | None:
    """The status that an error object in a body of status 200 stands for; None where it names none."""
    labels = error_labels(content)
    for label in labels:
        number = int(label) if str(label).isdecimal() and len(str(label)) == 3 else 0
        if 400 <= number <= 599:
            return number
    for label in labels:
        for words, status in _STATUS_OF_WORDS:
            if words.search(str(label).lower()):
                return status
    return None


#: How servers put an overflow (lower case), on any status that may mean one.
_OVERFLOW_STATUSES = frozenset({200, 400, 413, 422})
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
    "contextwindowexceeded",  # LiteLLM
    "context size",  # llama.cpp
    "exceed_context_size",  # llama.cpp
    "prompt is too long",
)
#: What is too long, and how that is said, in either order: as servers put it that nobody has read.
_LONG_THING = r"(?:prompt|context|input|token count|tokens|sequence length|conversation)\b"
_TOO_LONG = r"(?:exceed\w*|too long|too large|too many|longer than|larger than|greater than|more than|over the limit)"
_OVERFLOW = lazy(rf"{_LONG_THING}.{{0,80}}\b{_TOO_LONG}|\b{_TOO_LONG}.{{0,40}}\b{_LONG_THING}")
_NOT_OF_A_PROMPT = lazy(r"per (?:second|minute|hour|day|month)|rate limit|stop sequences?")


def is_context_overflow(status: int, message: str) -> bool:
    """Whether a refusal means that prompt and completion do not fit the model's context: no retry can help."""
    if status not in _OVERFLOW_STATUSES:
        return False
    shown = message.lower()
    if any(phrase in shown for phrase in _OVERFLOW_PHRASES):
        return True
    return _OVERFLOW.search(shown) is not None and _NOT_OF_A_PROMPT.search(shown) is None


#: Statuses that are sent when what was paid for is used up; 402 means nothing else.
_QUOTA_STATUSES = frozenset({200, 400, 403, 429})
_USED_UP = (
    r"(?:empty|too low|exhausted|insufficient|depleted|used.?up|run out|ran out|reached|exceed\w{0,40}|negative"
    r"|not enough)"
)
_MONEY = r"(?:quota|credits?|balance|budget|funds?|allowance|spend(?:ing)? limit|usage limits?|subscription)"
_QUOTA = lazy(
    rf"{_MONEY}\b.{{0,60}}\b{_USED_UP}|\b{_USED_UP}\b.{{0,60}}\b{_MONEY}|\b(?:no (?:more |remaining )?|out of ){_MONEY}"
    rf"|{_USED_UP}[_ ]{_MONEY}|{_MONEY}[_ ]{_USED_UP}|payment.?required|billing|arrears|top.?up|purchase more"
)
_COMES_BACK = lazy(
    r"(?:retry|try again|resets?|wait) (?:after|in|at|for|until|later)|per (?:second|minute|min|hour|day)"
)


def is_quota_used_up(status: int, content: Any, message: str, retry_after: str | None) -> bool:
    """Whether a refusal will last until somebody pays, where an ordinary limit lasts until some time has passed.

    `content` is the parsed body. Limits of rates are called quotas too, but then it is said when to come back.
    """
    if status == 402:
        return True
    if status not in _QUOTA_STATUSES:
        return False
    labels = " ".join(str(label) for label in error_labels(content)).lower()
    if re.search(rf"insufficient[_ ]{_MONEY}|billing|payment.?required|budget.?exceeded", labels):
        return True
    if _STATUS_OF_WORDS[0][0].search(labels):
        return False
    shown = f"{message} {labels}".lower()
    return retry_after is None and _COMES_BACK.search(shown) is None and _QUOTA.search(shown) is not None


#: How a field of a request is refused because nobody knows it there, or not with this value.
_NOT_TAKEN = lazy(
    r"un(?:supported|recogni[sz]ed|known|expected|permitted)|extra[_ ](?:forbidden|input|field)|extraneous|deprecated"
    r"|(?:not|n't|no longer) (?:be )?(?:support(?:ed)?|permitted|allowed|accept\w*|recogni[sz]ed|valid|known|available)"
    r"|cannot find field|(?:invalid|not a valid) (?:parameter|argument|field|property)"
)
#: Words of every refusal: as fields they count only where the error names its field apart from its sentence.
_ORDINARY_WORDS = frozenset({"model", "messages", "prompt", "n", "user", "stop", "stream", "tools"})


def refused_field(status: int, content: Any, message: str, sent: Iterable[str]) -> str | None:
    """The field, of those that were sent, that a refusal says the server does not take; None if it is about none."""
    if status not in (400, 422) or _NOT_TAKEN.search(message.lower()) is None:
        return None
    names = set(sent)
    error = content.get("error", content) if isinstance(content, dict) else None
    param = error.get("param") if isinstance(error, dict) else None
    if param in names:
        return str(param)
    # In quotes or brackets, or else as a word of its own; the first is what the sentence is about.
    for pattern, left_out in (
        (r"[\'\"`\[]([a-z_]+)[\'\"`\]]", frozenset({"model"})),
        (r"\b([a-z_]+)\b", _ORDINARY_WORDS),
    ):
        for found in re.finditer(pattern, message):
            if found[1] in names - left_out:
                return found[1]
    return None


_WANTS_STREAM = lazy(
    r"(?:only|must|require\w{0,40}|enable|need\w{0,40}|please)\b.{0,60}\bstream"
    r"|\bnon[- _]?stream\w*.{0,40}\b(?:not|un|only)"
    r"|\bstream\w*\W.{0,30}\b(?:must|required|only|be (?:true|set|enabled))\b|stream\W{0,3}(?:=|to)\W{0,3}true"
)


def wants_stream(status: int, message: str) -> bool:
    """Whether a refusal of a request for a whole reply says that the server only sends replies in pieces."""
    return status in (400, 404, 405, 406, 422, 501) and _WANTS_STREAM.search(message.lower()) is not None
