"""How an answer reaches the client: whole, or as a fault leaves it."""

from __future__ import annotations

import asyncio
import socket
import struct
from email.utils import formatdate
from time import time
from typing import Any

import orjson
from aiohttp import web

from omr.replay.faults import Fault
from omr.replay.spoiling import PLACEHOLDER

_CHUNK = 1 << 20
_NOT_UTF8 = b"\xff\xfe\x80 no text \xc3\x28"
_NOT_JSON = b'{"choices": [{"message": <html><body>upstream error</body></html>'
_JSON_TYPE = {"Content-Type": "application/json"}


async def send_whole(
    request: web.Request, status: int, body: Any, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Send a JSON body; returns when the operating system has all of it."""
    return await send_bytes(request, status, orjson.dumps(body), headers)


async def send_bytes(
    request: web.Request, status: int, content: bytes, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Send a body of bytes; returns when the operating system has all of it."""
    response = web.StreamResponse(status=status, headers=_JSON_TYPE | (headers or {}))
    response.content_length = len(content)
    if request.transport is not None:
        # Without a buffer of its own the transport is drained only when the last byte is out.
        request.transport.set_write_buffer_limits(high=0)
    await response.prepare(request)
    await response.write(content)
    await response.write_eof()
    return response


def retry_after(fault: Fault) -> dict[str, str]:
    """The header Retry-After that a fault asks for, if any: seconds or a date (RFC 9110, section 10.2.3)."""
    if fault.retry_after_date_s is not None:
        return {"Retry-After": formatdate(time() + fault.retry_after_date_s, usegmt=True)}
    return {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}


async def send_faulty(
    request: web.Request, fault: Fault, error_body: dict[str, Any], closing: asyncio.Event
) -> web.StreamResponse:
    """Answer as `faults.REPLYLESS_KINDS` describes: `error_body` is for `status`, a `hang` ends with `closing`."""
    if fault.kind == "status":
        return await send_whole(request, fault.status, error_body, retry_after(fault))
    if fault.kind == "answer":
        return await send_bytes(request, fault.status, fault.body.encode(), retry_after(fault))
    if fault.kind == "empty_body":
        return await send_bytes(request, 200, b"")
    if fault.kind == "invalid_json":
        return await send_bytes(request, 200, _NOT_JSON)
    if fault.kind == "hang":
        await closing.wait()
    return drop_connection(request, reset=fault.kind == "reset")


def drop_connection(request: web.Request, *, reset: bool = False) -> web.StreamResponse:
    """Close the connection instead of answering (`reset`: by TCP RST)."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if reset and connection is not None:
            # Lingering for no time at all makes the system send RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
    # The server framework wants a response; it finds the connection closed and sends nothing.
    return web.Response()


async def send_altered(
    request: web.Request, fault: Fault, content: bytes, content_type: str = "application/json"
) -> web.StreamResponse:
    """Send a body as `faults.DELIVERY_KINDS` describes; for `non_utf8` and `huge` its text is `PLACEHOLDER`."""
    headers = {"Content-Type": content_type}
    if fault.kind == "truncate_body":
        return await _send_half(request, content, headers)
    if fault.kind == "drip":
        return await _drip(request, content, fault.interval_s, headers)
    before, _, after = content.partition(PLACEHOLDER.encode())
    if fault.kind == "non_utf8":
        return await send_bytes(request, 200, before + _NOT_UTF8 + after, headers)
    return await _send_huge(request, before, after, int(fault.megabytes * 1e6), headers)


async def _prepared(request: web.Request, length: int, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    response.content_length = length
    await response.prepare(request)
    return response


async def _send_half(request: web.Request, content: bytes, headers: dict[str, str]) -> web.StreamResponse:
    response = await _prepared(request, len(content), headers)
    await response.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _drip(request: web.Request, content: bytes, interval_s: float, headers: dict[str, str]) -> web.StreamResponse:
    response = await _prepared(request, len(content), headers)
    for place in range(len(content)):
        await response.write(content[place : place + 1])
        await asyncio.sleep(interval_s)
    await response.write_eof()
    return response


async def _send_huge(
    request: web.Request, before: bytes, after: bytes, length: int, headers: dict[str, str]
) -> web.StreamResponse:
    response = await _prepared(request, len(before) + length + len(after), headers)
    await response.write(before)
    for start in range(0, length, _CHUNK):
        await response.write(b"x" * min(_CHUNK, length - start))
    await response.write(after)
    await response.write_eof()
    return response
