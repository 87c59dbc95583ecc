"""A reply that comes in pieces, put together to the body that the server would have sent whole.

Everything behind this is the same for both: what a reply says is read in omr/asking/reading.py. A stream that ends
before the server has said why the reply ended is half a reply: it is asked again, and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
from typing import Any

from omr.asking.outcomes import FinalError, TransientError
from omr.asking.reading import error_of, holds_error, parse_body
from omr.asking.server_events import Event, EventParser
from omr.files.surrogates import without_surrogates
from omr.http.answer import HttpError, ReadChunk
from omr.http.cancelling import heed_cancelling
from omr.servers.error_bodies import says_nothing

#: Of all bytes of a stream, whose events say much beside the text: several hundred bytes for each token.
MAX_STREAM_BYTES = 512 << 20
#: Behind the reply's end only the tokens' numbers and the stream's end are to come.
_AFTER_FINISH_S = 10.0
_AFTER_DONE_S = 1.0
_DONE = b"[DONE]"
#: Where an event that is no piece of a reply names a fault.
_ERROR_KEYS = ("error", "errors")
_SHORT = 200
#: What events with pieces of replies, or with faults, are called.
_OF_REPLIES = frozenset({"message", "error"})


async def read_stream(read_chunk: ReadChunk, idle_s: float) -> Any:
    """The whole body that a stream amounts to, or the error that it brought.

    Raises TransientError for a stream that is cut, stands still for `idle_s`, or holds what is no JSON; FinalError for
    an endless one; HttpError as `read_chunk` does, where the reply was not at its end yet.
    """
    parser, body, size = EventParser(), StreamedBody(), 0
    wait_s: float | None = None  # a request may wait in the server's queue before anything comes
    while True:
        try:
            async with asyncio.timeout(wait_s):
                chunk = await read_chunk()
        except TimeoutError:
            if body.is_finished:
                break
            raise TransientError("timeout", f"nothing came for {idle_s:g} s in the middle of a stream") from None
        except HttpError:
            if body.is_finished:
                break
            raise
        if chunk is None:
            break
        heed_cancelling()
        size, wait_s = size + len(chunk), idle_s
        if size > MAX_STREAM_BYTES:
            raise FinalError("oversized_body", f"the stream exceeds {MAX_STREAM_BYTES} bytes", 200)
        for event in parser.feed(chunk):
            body.add(event)
        if body.error is not None:
            break
        if body.is_done:
            # So the connection's end is seen too, and it can be used again.
            wait_s = min(_AFTER_DONE_S, idle_s)
        elif body.is_finished:
            wait_s = min(_AFTER_FINISH_S, idle_s)
    return body.whole()


def whole_of_events(content: bytes) -> Any:
    """As `read_stream`, of a stream that came in one piece to a request for a whole body."""
    parser, body = EventParser(), StreamedBody()
    for event in parser.feed(content):
        body.add(event)
    return body.whole()


class StreamedBody:
    """The body of `/v1/chat/completions` or `/v1/completions` that grows with each event."""

    def __init__(self) -> None:
        self.is_done = False  # the server said that nothing more comes
        self.error: dict[str, Any] | None = None
        self._body: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._texts: list[str] = []  # of a completion
        self._message: _Message | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it was said why the reply ended."""
        return not says_nothing(self._choice.get("finish_reason"))

    def add(self, event: Event) -> None:
        """Take an event in. Raises TransientError for data that are no JSON object."""
        if self.is_done or self.error is not None:
            return
        if event.data.strip() == _DONE:
            self.is_done = True
            return
        chunk = _piece_of(event)
        if chunk is None:
            return
        if event.kind == "error" or _is_error(chunk):
            self.error = error_of(chunk)
            return
        for key in ("id", "model", "usage"):
            if not says_nothing(chunk.get(key)):
                self._body[key] = chunk[key]
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index") in (0, None):
                self._add_choice(choice)

    def _add_choice(self, choice: dict[str, Any]) -> None:
        for key, value in choice.items():
            # What was said once is not unsaid by the empty field of a later event.
            if key not in ("delta", "message", "text") and (key not in self._choice or not says_nothing(value)):
                self._choice[key] = value
        if isinstance(choice.get("text"), str):
            self._texts.append(choice["text"])
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(message, dict) and not says_nothing(message.get("content")):
            # Some servers end with the whole message once more.
            self._message = _Message()
            self._message.add(message)
        elif isinstance(delta, dict):
            self._message = self._message or _Message()
            self._message.add(delta)

    def whole(self) -> Any:
        """The body. Raises TransientError if the reply is not at its end."""
        return without_surrogates(self._whole())

    def _whole(self) -> Any:
        if self.error is not None:
            return self.error
        if not self.is_finished:
            what = "no event of it was a piece of a reply" if not self._choice else "without saying why the reply ended"
            raise TransientError("unfinished", f"the stream ended: {what}", 200)
        if self._message is not None:
            return self._body | {"choices": [self._choice | {"message": self._message.whole()}]}
        return self._body | {"choices": [self._choice | {"text": "".join(self._texts)}]}


def _piece_of(event: Event) -> dict[str, Any] | None:
    """What an event says; None where it only keeps the connection open, or tells what is no reply under a name of its
    own, as gateways do. Raises TransientError for data that are no JSON object."""
    if not event.data.strip():
        return None
    try:
        chunk = parse_body(event.data, is_piece=True)
        if isinstance(chunk, dict):
            return chunk
        shown = repr(chunk)[:_SHORT]
        raise TransientError("wrong_shape", f"an event of a stream that is no object: {shown}", 200)
    except TransientError:
        if event.kind in _OF_REPLIES:
            raise
        return None


def _is_error(chunk: dict[str, Any]) -> bool:
    if any(not says_nothing(chunk.get(key)) for key in _ERROR_KEYS):
        return True
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        return holds_error(chunk)
    return any(isinstance(choice, dict) and not says_nothing(choice.get("error")) for choice in choices)


class _Message:
    """A chat message of which pieces come: texts and lists are put behind each other, calls of tools by their place."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[Any]] = {}
        self._calls: list[dict[str, Any]] = []
        self._call_at: dict[Any, dict[str, Any]] = {}  # by their index
        self._others: dict[str, Any] = {}

    def add(self, delta: dict[str, Any]) -> None:
        for key, value in delta.items():
            if key == "tool_calls":
                for call in value if isinstance(value, list) else ():
                    self._add_call(call)
            elif key == "role" or value is None:
                continue
            elif isinstance(value, str):
                self._pieces.setdefault(key, []).append(value)
            elif isinstance(value, list):
                self._pieces.setdefault(key, []).extend(value)
            elif isinstance(value, dict) and isinstance(self._others.get(key), dict):
                _merge(self._others[key], value)
            else:
                self._others[key] = _begun(value, key)

    def _add_call(self, piece: Any) -> None:
        if not isinstance(piece, dict):
            return
        call = self._call_of(piece)
        _merge(call, {key: value for key, value in piece.items() if key != "index"})

    def _call_of(self, piece: dict[str, Any]) -> dict[str, Any]:
        """The call that a piece belongs to: by its index, by its id, or the last one."""
        index, number = piece.get("index"), piece.get("id")
        place = repr(index) if isinstance(index, dict | list) else index
        if place in self._call_at:
            return self._call_at[place]
        if index is None and self._calls and number in (None, "", self._calls[-1].get("id")):
            return self._calls[-1]
        self._calls.append({})
        if index is not None:
            self._call_at[place] = self._calls[-1]
        return self._calls[-1]

    def whole(self) -> dict[str, Any]:
        """The message as it would stand in a whole body."""
        message = {"role": "assistant", "content": None, **_joined(self._others)}
        for key, pieces in self._pieces.items():
            is_text = all(isinstance(piece, str) for piece in pieces)
            message[key] = "".join(pieces) if is_text else pieces
        if self._calls:
            message["tool_calls"] = _joined(self._calls)
        return message


#: Of a call of a tool these are said once, and repeated by some servers.
_SAID_ONCE = frozenset({"id", "type", "name"})


def _merge(into: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add a piece of an object to it: texts grow, objects are gone into, all else is replaced."""
    for key, value in piece.items():
        before = into.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            _merge(before, value)
        elif key in _SAID_ONCE and isinstance(before, str) and isinstance(value, str):
            into[key] = before or value
        elif isinstance(before, _Growing) and isinstance(value, str):
            before.append(value)
        elif value is not None or key not in into:
            into[key] = _begun(value, key)


class _Growing(list[str]):
    """A text of which pieces come: to add each to the text before would take time with the square of their number."""


def _begun(value: Any, key: str) -> Any:
    if isinstance(value, str) and key not in _SAID_ONCE:
        return _Growing([value])
    return {name: _begun(inner, name) for name, inner in value.items()} if isinstance(value, dict) else value


def _joined(value: Any) -> Any:
    """A value with its texts in one piece."""
    if isinstance(value, _Growing):
        return "".join(value)
    if isinstance(value, dict):
        return {key: _joined(inner) for key, inner in value.items()}
    return [_joined(inner) for inner in value] if isinstance(value, list) else value
