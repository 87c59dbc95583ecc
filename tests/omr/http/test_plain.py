"""Plain HTTP as servers may speak it: whole answers however they are cut, and faults that are told apart."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from omr.http.answer import (
    Answer,
    AnswerTimeoutError,
    Ask,
    ConnectError,
    Http,
    HttpError,
    ReadChunk,
    TooLargeError,
)
from omr.http.library import LibraryHttp
from omr.http.plain import PlainHttp
from raw_server import RawServer, raw_server, read_request, reset, saying

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


BODY = "∑ ≤ x".encode()
WHOLE = {
    "length": b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY),
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(BODY[:3], BODY[3:], b""),
    "extensions": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9;a=b\r\n" + BODY + b"\r\n0\r\n\r\n",
    "trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    + b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY),
    "until the end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY,
    "old": b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("http", [plain, library])
@pytest.mark.parametrize("way", WHOLE)
def test_a_body_is_whole_however_its_end_is_told(way: str, http: Callable[[], Http]) -> None:
    with raw_server(saying(WHOLE[way], then_close=True)) as server:
        answer = ask(server.url, http)
    assert (answer.status, answer.content) == (200, BODY)
    assert answer.header("link") is None


@pytest.mark.parametrize("way", WHOLE)
def test_an_answer_may_come_byte_by_byte(way: str) -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_request(server, connection)
        for byte in WHOLE[way]:
            connection.send(bytes([byte]))
            time.sleep(0.0005)

    with raw_server(serve) as server:
        answer = ask(server.url)
    assert (answer.status, answer.content) == (200, BODY)


@pytest.mark.parametrize("http", [plain, library])
@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}       ",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n{}",
        b"no HTTP at all\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_no_whole_answer_is_a_fault(content: bytes, http: Callable[[], Http]) -> None:
    with raw_server(saying(content, then_close=True)) as server, pytest.raises(HttpError) as raised:
        ask(server.url, http)
    assert not isinstance(raised.value, AnswerTimeoutError | TooLargeError)
    assert isinstance(raised.value, ConnectError) <= (http is library)
    assert "127.0.0.1" not in raised.value.message


@pytest.mark.parametrize("http", [plain, library])
@pytest.mark.parametrize("content", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_server_that_leaves_without_an_answer_may_be_away(content: bytes, http: Callable[[], Http]) -> None:
    with raw_server(saying(content, then_close=True)) as server, pytest.raises(ConnectError, match="closed before"):
        ask(server.url, http)


def test_another_protocol_is_no_answer() -> None:
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    with raw_server(saying(upgrade)) as server, pytest.raises(HttpError, match="another protocol"):
        ask(server.url)


def test_a_broken_connection_says_what_the_system_says() -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        reset(connection)

    with raw_server(serve) as server, pytest.raises(HttpError, match="before there was an answer: Connection reset"):
        ask(server.url)


@pytest.mark.parametrize(
    "endless",
    [b"X-A: " + b"a" * 4000 + b"\r\n", b"a" * 4096, b"HTTP/1.1 102 Processing\r\n\r\n" * 100],
    ids=["headers", "header", "interim"],
)
def test_a_head_without_end_is_no_answer(endless: bytes) -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(b"" if endless.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            connection.sendall(endless)

    with raw_server(serve) as server, pytest.raises(HttpError, match="bytes of headers"):
        ask(server.url)


def test_what_stands_between_chunks_may_not_be_endless() -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;")
        while True:
            connection.sendall(b"a" * 4096)

    with raw_server(serve) as server, pytest.raises(HttpError, match="bytes of headers"):
        ask(server.url)


def test_many_small_chunks_are_no_endless_head() -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(*[b"x"] * 100_000, b"")
    with raw_server(saying(text)) as server:
        assert ask(server.url).content == b"x" * 100_000


@pytest.mark.parametrize("http", [plain, library])
@pytest.mark.parametrize("length", [True, False])
def test_a_body_beyond_the_limit_is_read_no_further(length: bool, http: Callable[[], Http]) -> None:
    sent: list[int] = []

    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(
            b"HTTP/1.1 418 X\r\n"
            + (b"Content-Length: 1000000000\r\n\r\n" if length else b"Transfer-Encoding: chunked\r\n\r\n")
        )
        while True:
            connection.sendall(b"a" * 65536 if length else chunked(b"a" * 65536))
            sent.append(65536)

    with raw_server(serve) as server, pytest.raises(TooLargeError, match="exceeds 200000 bytes") as raised:
        ask(server.url, http, most_bytes=200_000)
    assert raised.value.status == 418
    assert sum(sent) < 100 << 20


# ---- connections -----------------------------------------------------------------------------------------------------


def several(count: int, url: str, pause_s: float = 0.0, http: Callable[[], Http] = plain) -> list[Answer]:
    async def work(opened: Http) -> list[Answer]:
        answers = []
        for _ in range(count):
            answers.append(await opened.ask(asked(url)))
            await asyncio.sleep(pause_s)
        return answers

    found: list[Answer] = run(work, http)
    return found


@pytest.mark.parametrize("http", [plain, library])
def test_a_connection_carries_one_request_after_the_other(http: Callable[[], Http]) -> None:
    with raw_server(saying(OK)) as server:
        assert [answer.content for answer in several(5, server.url, http=http)] == [b"{}"] * 5
        assert server.connections == 1


@pytest.mark.parametrize(
    "last",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_a_connection_that_is_to_be_closed_is_not_used_again(last: bytes) -> None:
    with raw_server(saying(last)) as server:
        assert len(several(3, server.url)) == 3
        assert server.connections == 3


def test_a_connection_that_rested_for_long_is_not_used_again() -> None:
    with raw_server(saying(OK)) as server:
        assert len(several(2, server.url, 0.6, lambda: plain(idle_s=0.2))) == 2
        assert server.connections == 2
        assert server.closed_by_client.wait(10)


def test_a_connection_that_the_server_closed_meanwhile_costs_nothing() -> None:
    with raw_server(saying(OK, then_close=True)) as server:
        assert [answer.status for answer in several(3, server.url, 0.05)] == [200] * 3
        assert server.connections == 3


TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate"


def test_what_nobody_asked_for_is_nobodys_answer() -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        while read_request(server, connection):
            connection.sendall(OK)
            time.sleep(0.05)
            connection.sendall(TIMED_OUT)

    with raw_server(serve) as server:
        assert [answer.content for answer in several(3, server.url, 0.2)] == [b"{}"] * 3


def test_an_answer_right_behind_another_is_nobodys() -> None:
    with raw_server(saying(OK + TIMED_OUT)) as server:
        assert [answer.content for answer in several(3, server.url)] == [b"{}"] * 3
        assert server.connections == 3


def test_a_server_may_answer_before_it_has_read_the_request() -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        time.sleep(0.3)

    with raw_server(serve) as server:
        answer = ask(server.url, content=b"a" * (32 << 20))
    assert (answer.status, answer.content) == (413, b"big")


@pytest.mark.parametrize("http", [plain, library])
def test_many_at_once_each_get_their_own(http: Callable[[], Http]) -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        while request := read_request(server, connection):
            body = request.partition(b"\r\n\r\n")[2]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async def work(opened: Http, url: str) -> list[Answer]:
        return await asyncio.gather(*(opened.ask(asked(url, b"%d" % number)) for number in range(300)))

    with raw_server(serve) as server:
        answers = run(lambda opened: work(opened, server.url), http)
    assert [answer.content for answer in answers] == [b"%d" % number for number in range(300)]


# ---- times, cancelling -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("http", [plain, library])
@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"])
def test_an_answer_that_does_not_end_is_out_of_time(first: bytes, http: Callable[[], Http]) -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(first)
        assert connection.recv(1) == b""
        server.closed_by_client.set()

    with raw_server(serve) as server:
        with pytest.raises(AnswerTimeoutError, match=r"no whole answer within 0\.3 s"):
            ask(server.url, http, timeout_s=0.3)
        assert server.closed_by_client.wait(10)


@pytest.mark.parametrize("http", [plain, library])
def test_nobody_listens(http: Callable[[], Http]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectError, match=r"(?i)connection refused") as raised:
        ask(f"http://127.0.0.1:{port}/v1", http)
    assert raised.value.refused
    assert str(port) not in raised.value.message


def test_a_name_with_several_addresses_says_why_none_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectError, match="Connection refused"):
        ask(f"http://localhost:{port}/v1")


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a" * 70 + ".invalid", "a..b"])
def test_a_name_that_no_host_has(name: str) -> None:
    with pytest.raises(ConnectError, match=r"no connection: "):
        ask(f"http://{name}:80/v1")


def test_a_server_that_takes_no_connection_is_not_there() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:  # they fill the queue of connections that nobody accepts
            each.setblocking(False)
            each.connect_ex(address)
        with pytest.raises(ConnectError, match=r"no connection within 0\.5 s") as raised:
            ask(f"http://127.0.0.1:{address[1]}/v1", lambda: PlainHttp(0.5, 4.0, 8))
        for each in waiting:
            each.close()
    assert not raised.value.refused


def test_a_cancelled_request_leaves_its_server() -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        assert connection.recv(1) == b""
        server.closed_by_client.set()

    async def work(opened: Http, url: str) -> None:
        task = asyncio.ensure_future(opened.ask(asked(url)))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with raw_server(serve) as server:
        run(lambda opened: work(opened, server.url))
        assert server.closed_by_client.wait(10)


# ---- heads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("http", [plain, library])
def test_a_request_says_what_it_is(http: Callable[[], Http]) -> None:
    heard: list[bytes] = []

    def serve(server: RawServer, connection: socket.socket) -> None:
        heard.append(read_request(server, connection))
        connection.sendall(OK)

    with raw_server(serve) as server:
        ask(server.url, http, content=b'{"a": 1}', headers={"Authorization": "Bearer k"}, request_id="s/r 1/0")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    lines = [line.lower() for line in head.split(b"\r\n")]
    assert lines[0] == b"post /v1/chat/completions http/1.1"
    assert b"authorization: bearer k" in lines
    assert b"x-request-id: s/r 1/0" in lines
    assert b"content-length: 8" in lines
    assert b"host: " + server.url.split("/")[2].encode() in lines
    assert body == b'{"a": 1}'


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "schlüssel"])
@pytest.mark.parametrize("where", ["headers", "request_id"])
def test_a_header_cannot_bring_another(text: str, where: str) -> None:
    told = {"headers": {"Authorization": text}} if where == "headers" else {"request_id": text}
    with raw_server(saying(OK)) as server:
        with pytest.raises(HttpError, match="characters that cannot be sent") as raised:
            ask(server.url, **told)
        assert server.connections == 0
    assert text not in raised.value.message


@pytest.mark.parametrize("http", [plain, library])
def test_a_header_is_found_however_its_name_is_written(http: Callable[[], Http]) -> None:
    text = b"HTTP/1.1 429 X\r\nRETRY-after: 7\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n"
    with raw_server(saying(text)) as server:
        answer = ask(server.url, http)
    assert (answer.header("retry-after"), answer.header("location"), answer.header("x")) == ("7", None, None)


# ---- streams ---------------------------------------------------------------------------------------------------------


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
