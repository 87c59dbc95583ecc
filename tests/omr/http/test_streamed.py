"""Bodies that are read while they come."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from carriers import EVENTS, OK, ask, asked, chunked, library, plain, run
from omr.http.answer import Http, HttpError, ReadChunk
from raw_server import RawServer, raw_server, read_request, saying


async def to_end(read_chunk: ReadChunk) -> bytes:
    content = b""
    while (chunk := await read_chunk()) is not None:
        content += chunk
    return content


@pytest.mark.parametrize("http", [plain, library])
def test_events_are_read_while_they_come(http: Callable[[], Http]) -> None:
    seen: list[bytes] = []

    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(EVENTS)
        for number in range(3):
            connection.sendall(chunked(b"data: %d\n\n" % number))
            deadline = time.monotonic() + 20
            while len(seen) <= number and time.monotonic() < deadline:
                time.sleep(0.005)
        connection.sendall(chunked(b""))

    async def read(read_chunk: ReadChunk) -> int:
        while (chunk := await read_chunk()) is not None:
            seen.append(chunk)
        return len(seen)

    with raw_server(serve) as server:
        answer = ask(server.url, http, read_events=read)
    assert (answer.events, seen) == (3, [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"])


@pytest.mark.parametrize("http", [plain, library])
def test_what_is_no_stream_of_events_is_read_whole(http: Callable[[], Http]) -> None:
    for text in (OK, b"HTTP/1.1 500 X\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\n{}"):
        with raw_server(saying(text)) as server:
            answer = ask(server.url, http, read_events=to_end)
        assert (answer.content, answer.events) == (b"{}", None)


@pytest.mark.parametrize("http", [plain, library])
def test_a_stream_that_breaks_off_is_a_fault_and_not_its_end(http: Callable[[], Http]) -> None:
    with raw_server(saying(EVENTS + chunked(b"data: 1\n\n"), then_close=True)) as server, pytest.raises(HttpError):
        ask(server.url, http, read_events=to_end)


def test_the_connection_of_a_whole_stream_is_used_again_and_of_one_that_is_left_not() -> None:
    async def first(read_chunk: ReadChunk) -> bytes | None:
        return await read_chunk()

    async def work(opened: Http, url: str, read: Callable[[ReadChunk], Awaitable[Any]]) -> None:
        for _ in range(3):
            await opened.ask(asked(url, read_events=read))

    whole = EVENTS + chunked(b"data: 1\n\n", b"")
    with raw_server(saying(whole)) as server:
        run(lambda opened: work(opened, server.url, to_end))
        assert server.connections == 1

    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(EVENTS + chunked(b"data: 1\n\n"))
        assert connection.recv(1) == b""

    with raw_server(serve) as server:
        run(lambda opened: work(opened, server.url, first))
        assert server.connections == 3


def test_a_server_waits_for_who_reads_slowly() -> None:
    sent: list[int] = []

    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(EVENTS)
        for _ in range(1000):
            connection.sendall(chunked(b"a" * 65536))
            sent.append(65536)
        connection.sendall(chunked(b""))

    async def slow(read_chunk: ReadChunk) -> tuple[int, int]:
        size = len(await read_chunk() or b"")
        await asyncio.sleep(0.5)
        before = sum(sent)
        while (chunk := await read_chunk()) is not None:
            size += len(chunk)
        return before, size

    with raw_server(serve) as server:
        before, size = ask(server.url, read_events=slow).events
    assert size == 1000 * 65536
    assert before < 20 << 20
