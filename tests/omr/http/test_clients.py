"""Which way a URL is asked: directly where nothing else is needed, with the library through proxies and TLS."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from omr.http.answer import Answer, Ask, HttpError
from omr.http.clients import HttpClient
from raw_server import raw_server, saying

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
THROUGH = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nthrough"
SCRIPTS = Path(__file__).parents[3] / "scripts"


def ask(url: str, direct: bool = False) -> Answer:
    async def run() -> Answer:
        async with HttpClient(5.0, 4.0, 8, direct=direct) as http:
            return await http.ask(Ask("GET", url, {}, b"", 10.0, 1000))

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_site_is_asked_but_not_for_servers_of_the_own_node(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(saying(THROUGH)) as proxy, raw_server(saying(OK)) as server:
        assert ask(server.url).content == b"{}"
        monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        assert ask(server.url).content == b"through"
        assert ask(server.url, direct=True).content == b"{}"


def test_a_proxy_is_not_asked_for_what_the_site_excepts(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(saying(THROUGH)) as proxy, raw_server(saying(OK)) as server:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert ask(server.url).content == b"{}"


def test_tls_asked_of_a_server_that_speaks_none_is_said_so() -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    with raw_server(saying(answer, then_close=True)) as server, pytest.raises(HttpError):
        ask(server.url.replace("http://", "https://"))


def test_plain_requests_start_no_threads_of_the_library() -> None:
    program = """
import asyncio, sys
from omr.http.answer import Ask
from omr.http.clients import HttpClient

async def run():
    async with HttpClient(5.0, 4.0, 8, direct=True) as http:
        return await http.ask(Ask("GET", sys.argv[1], {}, b"", 10.0, 1000))

print(asyncio.run(run()).content, "pyreqwest" in sys.modules)
"""
    with raw_server(saying(OK)) as server:
        command = [sys.executable, "-c", program, server.url]
        ended = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(SCRIPTS)}, check=True)
    assert ended.stdout.strip() == "b'{}' False"
