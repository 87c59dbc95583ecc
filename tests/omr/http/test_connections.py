"""Connections: used again where they may be, closed where nobody waits any more, given up when their time is over."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

import pytest
from carriers import OK, ask, asked, library, plain, run
from omr.http.answer import Answer, AnswerTimeoutError, ConnectError, Http
from omr.http.plain import PlainHttp
from raw_server import RawServer, raw_server, read_request, saying


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
