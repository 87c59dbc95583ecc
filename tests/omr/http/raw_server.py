"""A server that says bytes, whatever they are, to whoever connects."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

#: What is done with each connection; it is closed when this returns.
Serve = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """`connections`: so many were made; `heard`: what each of them brought, as far as it was read."""

    url: str
    connections: int = 0
    heard: list[bytearray] = field(default_factory=list)
    closed_by_client: threading.Event = field(default_factory=threading.Event)


@contextmanager
def raw_server(serve: Callable[[RawServer, socket.socket], None], backlog: int = 100) -> Iterator[RawServer]:
    """Serves each connection in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listening:
        server = RawServer(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
        threads: list[threading.Thread] = []

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.settimeout(20)
                serve(server, connection)

        def accept_all() -> None:
            with suppress(OSError):  # it was closed
                while True:
                    connection, _ = listening.accept()
                    server.connections += 1
                    server.heard.append(bytearray())
                    threads.append(threading.Thread(target=one, args=(connection,)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept_all)
        accepting.start()
        try:
            yield server
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def read_request(server: RawServer, connection: socket.socket) -> bytes:
    """A whole request; b"" when the client has left."""
    content = b""
    while b"\r\n\r\n" not in content:
        more = connection.recv(1 << 16)
        if not more:
            server.closed_by_client.set()
            return b""
        content += more
    head, _, body = content.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        more = connection.recv(1 << 16)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


def saying(*answers: bytes, then_close: bool = False) -> Callable[[RawServer, socket.socket], None]:
    """Answers the requests of each connection with these bytes, the last one again and again."""

    def serve(server: RawServer, connection: socket.socket) -> None:
        left = list(answers)
        while read_request(server, connection):
            connection.sendall(left.pop(0) if len(left) > 1 else left[0])
            if then_close and len(left) <= 1:
                return

    return serve


def reset(connection: socket.socket) -> None:
    """Close a connection so that the other side is told that it broke."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
