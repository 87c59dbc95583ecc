"""What comes of a request over HTTP: an answer, or a fault on the way. The same for all that carry requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

#: Gives the next bytes of a body, None at its end. Raises HttpError.
ReadChunk = Callable[[], Awaitable[bytes | None]]


class Ask(NamedTuple):
    """A request: `timeout_s` is for all of it, to the last byte of the answer.

    A body beyond `most_bytes` is a fault. `read_events`, if given, gets the body of a 200 that is a stream of events,
    while it comes. `headers` may be the same object for many requests; `request_id` is this one's own.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes
    timeout_s: float
    most_bytes: int
    read_events: Callable[[ReadChunk], Awaitable[Any]] | None = None
    request_id: str | None = None


class Answer(NamedTuple):
    """The answer, whatever its status: its body, or `events`: what `read_events` made of it.

    `header` gives a header by its name in lower case; None where there is none, or one that is no text: old servers
    send other bytes too.
    """

    status: int
    header: Callable[[str], str | None]
    content: bytes
    events: Any = None


def is_event_stream(status: int, header: Callable[[str], str | None]) -> bool:
    """Whether the body of an answer is a stream of events."""
    return status == 200 and "event-stream" in (header("content-type") or "").lower()


class HttpError(Exception):
    """There was no whole answer. `message` says why, and never an address, which may hold a key."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConnectError(HttpError):
    """There was no connection, or it was closed before anything came: nobody may be there.

    `refused`: that was said at once (else nothing was heard in time).
    """

    def __init__(self, message: str, refused: bool = True) -> None:
        super().__init__(message)
        self.refused = refused


class AnswerTimeoutError(HttpError):
    """There was a connection, but no whole answer in time."""


class TooLargeError(HttpError):
    """The body exceeds `most_bytes`."""

    def __init__(self, status: int, most_bytes: int) -> None:
        super().__init__(f"the body exceeds {most_bytes} bytes")
        self.status = status


class Http(Protocol):
    """Carries requests to servers."""

    async def ask(self, asked: Ask) -> Answer:
        """Raises HttpError, and what `read_events` raises."""

    async def close(self) -> None:
        """Close all connections."""
