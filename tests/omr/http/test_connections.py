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
from omr.http.reaching import Resolver
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


def test_a_server_that_closes_after_each_answer_without_saying_so_costs_no_request() -> None:
    async def work(opened: Http, url: str) -> list[Answer]:
        async def one() -> list[Answer]:
            return [await opened.ask(asked(url)) for _ in range(10)]

        return sum(await asyncio.gather(*(one() for _ in range(8))), [])

    with raw_server(saying(OK, then_close=True)) as server:
        answers = run(lambda opened: work(opened, server.url))
    assert [answer.content for answer in answers] == [b"{}"] * 80


def test_a_connection_that_was_closed_while_the_client_was_busy_costs_nothing() -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(OK)
        time.sleep(0.1)

    async def work(opened: Http, url: str) -> list[Answer]:
        before = await asyncio.gather(*(opened.ask(asked(url)) for _ in range(6)))
        time.sleep(0.5)  # the event loop sees neither that they were closed nor that their time is over
        return [*before, *await asyncio.gather(*(opened.ask(asked(url)) for _ in range(6)))]

    for idle_s in (0.2, 4.0):
        with raw_server(serve) as server:
            answers = run(lambda opened, at=server.url: work(opened, at), lambda most=idle_s: plain(idle_s=most))
        assert [answer.content for answer in answers] == [b"{}"] * 12


def test_a_server_that_never_answers_is_asked_on_a_fresh_connection_but_once() -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        if server.connections == 1:
            connection.sendall(OK)
            read_request(server, connection)

    async def work(opened: Http, url: str) -> None:
        await opened.ask(asked(url))
        with pytest.raises(ConnectError, match="closed before there was an answer"):
            await opened.ask(asked(url))

    with raw_server(serve) as server:
        run(lambda opened: work(opened, server.url))
        assert server.connections == 2


def test_what_stands_behind_an_answer_is_not_the_beginning_of_the_next() -> None:
    def serve(server: RawServer, connection: socket.socket) -> None:
        read_request(server, connection)
        connection.sendall(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n")
        if read_request(server, connection):
            connection.sendall(b"\r\nforeign")

    with raw_server(serve) as server:
        assert [answer.content for answer in several(3, server.url)] == [b"{}"] * 3
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


@pytest.mark.parametrize("addresses", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
def test_of_several_addresses_one_that_is_reached_is_enough(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def known(resolver: Resolver, host: str) -> list[str]:
        return addresses

    monkeypatch.setattr(Resolver, "addresses", known)
    with raw_server(saying(OK)) as server:
        assert ask(server.url.replace("127.0.0.1", "a-name")).content == b"{}"


def test_an_address_that_does_not_answer_holds_up_the_next_one_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def known(resolver: Resolver, host: str) -> list[str]:
        return ["192.0.2.1", "127.0.0.1"]  # the first is for documentation: nobody has it

    monkeypatch.setattr(Resolver, "addresses", known)
    with raw_server(saying(OK)) as server:
        assert ask(server.url.replace("127.0.0.1", "a-name")).content == b"{}"


def test_a_slow_resolver_is_asked_once_and_takes_nobodys_time_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = []

    def slow(host: str, *rest: object, **options: object) -> object:
        asks.append(host)
        time.sleep(0.3)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    async def work(opened: Http, url: str) -> list[Answer]:
        first = await asyncio.gather(*(opened.ask(asked(url)) for _ in range(40)))
        return [*first, await opened.ask(asked(url))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with raw_server(saying(OK)) as server:
        url = server.url.replace("127.0.0.1", "a-name")
        answers = run(lambda opened: work(opened, url), lambda: PlainHttp(0.6, 4.0, 8))
    assert len(answers) == 41
    assert asks == ["a-name"]


def test_a_name_that_was_not_found_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([socket.gaierror(socket.EAI_AGAIN, "try again"), None])

    def shaky(host: str, *rest: object, **options: object) -> object:
        if (fault := next(answers)) is not None:
            raise fault
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    async def work(opened: Http, url: str) -> Answer:
        with pytest.raises(ConnectError, match="the name of the host is not known"):
            await opened.ask(asked(url))
        return await opened.ask(asked(url))

    monkeypatch.setattr(socket, "getaddrinfo", shaky)
    with raw_server(saying(OK)) as server:
        url = server.url.replace("127.0.0.1", "a-name")
        assert run(lambda opened: work(opened, url)).content == b"{}"


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
