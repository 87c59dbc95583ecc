"""A body in pieces: the server-sent events that amount to it, and how they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from omr.replay.faults import Fault
from omr.replay.http_server import Request
from omr.replay.spoiling import PLACEHOLDER

#: Characters of a piece: about a token.
_PIECE = 4
_TYPE = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
#: What a stream ends with.
DONE = b"data: [DONE]\n\n"


def events_of(body: Any, counts: bool) -> list[bytes]:
    """A body's events, without the one that ends a stream; `counts`: with the numbers of tokens.

    What a fault has left without a choice is sent as one event.
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not (isinstance(choice.get("message"), dict) or "text" in choice):
        return [_event(body)]
    head = {key: body[key] for key in ("id", "created", "model") if key in body}
    head["object"] = "chat.completion.chunk" if "message" in choice else "text_completion"
    pieces = _deltas(choice["message"]) if "message" in choice else _texts(choice["text"])
    last = {key: value for key, value in choice.items() if key not in ("message", "text")}
    events = [{"index": 0, **piece, "logprobs": None, "finish_reason": None} for piece in pieces]
    nothing: dict[str, Any] = {"delta": {}} if "message" in choice else {"text": ""}
    events.append(last | nothing)
    sent = [_event(head | {"choices": [event]}) for event in events]
    if counts and "usage" in body:
        sent.append(_event(head | {"choices": [], "usage": body["usage"]}))
    return sent


def _event(content: Any) -> bytes:
    return b"data: " + orjson.dumps(content) + b"\n\n"


def _pieces(text: str) -> Iterator[str]:
    if text == PLACEHOLDER:
        yield text
        return
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]


def _texts(text: Any) -> Iterator[dict[str, Any]]:
    for piece in _pieces(text) if isinstance(text, str) else (text,):
        yield {"text": piece}


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Pieces of a message: its role, then what it says, first the reasoning, then the text, then calls of tools."""
    yield {"delta": {"role": message.get("role"), "content": ""}}
    others = [key for key in message if key not in ("role", "content", "tool_calls")]
    for key in (*others, "content"):
        value = message[key]
        for piece in _pieces(value) if isinstance(value, str) else () if value is None else (value,):
            yield {"delta": {key: piece}}
    for index, call in enumerate(message.get("tool_calls") or ()):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        begun = {"index": index, "id": call["id"], "type": "function", "function": {"name": name, "arguments": ""}}
        yield {"delta": {"tool_calls": [begun]}}
        for piece in _pieces(arguments):
            yield {"delta": {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}}


def oddly(events: list[bytes]) -> list[bytes]:
    """The same events as the standard allows them too: other ends of lines, comments, fields that nobody needs, no
    blank behind a colon, data over several lines."""
    odd = []
    for number, event in enumerate(events):
        data = event.removeprefix(b"data: ").rstrip(b"\n")
        # Between two members of an object, JSON may have a line break.
        broken = data.replace(b'"choices":', b'\ndata:"choices":', 1) if number % 3 == 0 else data
        odd.append(b": still here\n\n\nid: %d\nretry: 10\ndata:%s\n\n" % (number, broken))
    ends = (b"\r\n", b"\r", b"\n")
    return [b"\xef\xbb\xbf", *(event.replace(b"\n", ends[number % 3]) for number, event in enumerate(odd))]


async def send_events(
    request: Request, events: list[bytes], fault: Fault | None, closing: asyncio.Event, error: Any
) -> None:
    """Send a stream as `faults.STREAM_KINDS` describes, or whole; `error` is what an error event says."""
    await request.start(200, _TYPE)
    if fault is None:
        await request.write(b"".join(events))
        await request.end()
        return
    if fault.kind == "odd_stream":
        events = oddly(events)
    kept = events if fault.kind == "odd_stream" else events[: int(len(events) * fault.after)]
    if fault.interval_s:
        for event in kept:
            await request.write(event)
            await asyncio.sleep(fault.interval_s)
    else:
        await request.write(b"".join(kept))
    await _end(request, fault, closing, error)


async def _end(request: Request, fault: Fault, closing: asyncio.Event, error: Any) -> None:
    if fault.kind == "stall_stream":
        await closing.wait()
    elif fault.kind == "error_event":
        await request.write(_event(error))
    elif fault.kind == "cut_stream":
        # Chunked transfer is broken off in the middle: the client sees that more was to come.
        request.transport.close()
        return
    await request.end()
