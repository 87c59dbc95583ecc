"""Plain HTTP for the tests of the replay server: no client library between the test and what the server sends."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"
TIMEOUT_S = 20.0


class Response(NamedTuple):
    """A whole response: header names in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def choice(self) -> Any:
        return self.json["choices"][0]


def call(root_url: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(root_url).netloc, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body or None, headers or {})
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, found, response.read())
    finally:
        connection.close()


def body_of(path: str = CHAT, **fields: Any) -> bytes:
    """A request's body with a prompt of two tokens."""
    prompt = {"messages": [{"role": "user", "content": "Hello there"}]} if path == CHAT else {"prompt": "Hello there"}
    return json.dumps({"model": "replay", "max_tokens": 100, **prompt, **fields}).encode()


def ask(
    root_url: str, request_id: str | None, path: str = CHAT, headers: dict[str, str] | None = None, **fields: Any
) -> Response:
    """Ask for a completion under a request id."""
    named = {} if request_id is None else {"X-Request-Id": request_id}
    return call(root_url, "POST", path, body_of(path, **fields), named | (headers or {}))


def send_raw(port: int, request_id: str) -> socket.socket:
    """A connection on which a completion has been asked for; nothing has been read."""
    body = body_of()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    connection.sendall(head.encode() + body)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    """What arrives until the server closes the connection."""
    with connection:
        received = b""
        while chunk := connection.recv(1 << 16):
            received += chunk
    return received
