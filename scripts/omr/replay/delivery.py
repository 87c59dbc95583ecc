"""How an answer reaches the client: whole, or as a fault leaves it."""

from __future__ import annotations

import asyncio
import socket
import struct
from email.utils import formatdate
from time import time
from typing import Any

import orjson

from omr.replay.faults import Fault
from omr.replay.http_server import Request
from omr.replay.spoiling import PLACEHOLDER

_CHUNK = 1 << 20
_NOT_UTF8 = b"\xff\xfe\x80 no text \xc3\x28"
_NOT_JSON = b'{"choices": [{"message": <html><body>upstream error</body></html>'
_JSON_TYPE = {"Content-Type": "application/json"}


async def send_whole(request: Request, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
    """Send a JSON body; returns when the operating system has all of it."""
    await send_bytes(request, status, orjson.dumps(body), headers)


async def send_bytes(request: Request, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
    """Send a body of bytes; returns when the operating system has all of it."""
    await request.start(status, _JSON_TYPE | (headers or {}), len(content))
    await request.write(content)
    await request.end()


def retry_after(fault: Fault) -> dict[str, str]:
    """The header Retry-After that a fault asks for, if any: seconds or a date (RFC 9110, section 10.2.3)."""
    if fault.retry_after_date_s is not None:
        return {"Retry-After": formatdate(time() + fault.retry_after_date_s, usegmt=True)}
    return {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}


async def send_faulty(request: Request, fault: Fault, error_body: dict[str, Any], closing: asyncio.Event) -> None:
    """Answer as `faults.REPLYLESS_KINDS` describes: `error_body` is for `status`, a `hang` ends with `closing`."""
    if fault.kind == "status":
        await send_whole(request, fault.status, error_body, retry_after(fault))
    elif fault.kind == "answer":
        await send_bytes(request, fault.status, fault.body.encode(), retry_after(fault))
    elif fault.kind == "empty_body":
        await send_bytes(request, 200, b"")
    elif fault.kind == "invalid_json":
        await send_bytes(request, 200, _NOT_JSON)
    else:
        if fault.kind == "hang":
            await closing.wait()
        drop_connection(request, reset=fault.kind == "reset")


def drop_connection(request: Request, *, reset: bool = False) -> None:
    """Close the connection instead of answering (`reset`: by TCP RST)."""
    connection = request.transport.get_extra_info("socket")
    if reset and connection is not None:
        # Lingering for no time at all makes the system send RST instead of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    else:
        request.transport.close()


async def send_altered(request: Request, fault: Fault, content: bytes, content_type: str = "application/json") -> None:
    """Send a body as `faults.DELIVERY_KINDS` describes; for `non_utf8` and `huge` its text is `PLACEHOLDER`."""
    headers = {"Content-Type": content_type}
    before, _, after = content.partition(PLACEHOLDER.encode())
    if fault.kind == "truncate_body":
        await _send_half(request, content, headers)
    elif fault.kind == "drip":
        await _drip(request, content, fault.interval_s, headers)
    elif fault.kind == "non_utf8":
        await send_bytes(request, 200, before + _NOT_UTF8 + after, headers)
    else:
        await _send_huge(request, before, after, int(fault.megabytes * 1e6), headers)


async def _send_half(request: Request, content: bytes, headers: dict[str, str]) -> None:
    await request.start(200, headers, len(content))
    await request.write(content[: len(content) // 2])
    request.transport.close()


async def _drip(request: Request, content: bytes, interval_s: float, headers: dict[str, str]) -> None:
    await request.start(200, headers, len(content))
    for place in range(len(content)):
        await request.write(content[place : place + 1])
        await asyncio.sleep(interval_s)
    await request.end()


async def _send_huge(request: Request, before: bytes, after: bytes, length: int, headers: dict[str, str]) -> None:
    await request.start(200, headers, len(before) + length + len(after))
    await request.write(before)
    for start in range(0, length, _CHUNK):
        await request.write(b"x" * min(_CHUNK, length - start))
    await request.write(after)
    await request.end()
