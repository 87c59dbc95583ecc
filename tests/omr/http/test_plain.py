"""Plain HTTP as servers may speak it: whole answers however they are cut, and faults that are told apart."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest
from carriers import OK, ask, chunked, library, plain
from omr.http.answer import AnswerTimeoutError, ConnectError, Http, HttpError, TooLargeError
from raw_server import RawServer, raw_server, read_request, reset, saying

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
    "length beside chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunked(BODY, b""),
    "blanks behind a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9  \r\n" + BODY + b"\r\n0\r\n\r\n",
    "lines that end in LF": b"HTTP/1.1 200 OK\nContent-Length: %d\n\n%s" % (len(BODY), BODY),
}
#: What the library reads otherwise, or not at all.
PLAIN_ALONE = {
    "another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nConnection: close\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("way", PLAIN_ALONE)
def test_a_coding_that_names_no_end_ends_with_its_connection(way: str) -> None:
    with raw_server(saying(PLAIN_ALONE[way], then_close=True)) as server:
        assert ask(server.url).content == BODY


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
