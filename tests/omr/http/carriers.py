"""Both ways in which requests are carried, and how tests ask through them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from omr.http.answer import Answer, Ask, Http
from omr.http.library import LibraryHttp
from omr.http.plain import PlainHttp

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def asked(url: str, content: bytes = b"{}", **others: Any) -> Ask:
    values: dict[str, Any] = {"headers": {}, "timeout_s": 20.0, "most_bytes": 1 << 20, **others}
    return Ask("POST", url + "/chat/completions", content=content, **values)


def plain(idle_s: float = 4.0) -> PlainHttp:
    return PlainHttp(10.0, idle_s, 8)


def library() -> LibraryHttp:
    return LibraryHttp(10.0, 4.0, 8, direct=True)


def run(work: Callable[[Http], Awaitable[Any]], http: Callable[[], Http] = plain) -> Any:
    async def within() -> Any:
        opened = http()
        try:
            return await work(opened)
        finally:
            await opened.close()

    return asyncio.run(within())


def ask(url: str, http: Callable[[], Http] = plain, **others: Any) -> Answer:
    answer: Answer = run(lambda opened: opened.ask(asked(url, **others)), http)
    return answer


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
