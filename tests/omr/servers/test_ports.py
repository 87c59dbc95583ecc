from __future__ import annotations

import argparse
import socket

import pytest
from omr.servers import ports
from omr.servers.ports import Port, port_number


def test_a_reserved_port_can_be_bound() -> None:
    with Port() as port, socket.socket() as server:
        server.bind(("127.0.0.1", port.number))
        assert server.getsockname()[1] == port.number


def test_a_port_is_offered_again_only_when_its_holder_releases_it(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = Port()
    offers = iter([holder.number, holder.number, 9])
    monkeypatch.setattr(ports, "_free_port", lambda host: next(offers))
    with Port() as other:
        assert other.number == 9
    holder.release()
    monkeypatch.setattr(ports, "_free_port", lambda host: holder.number)
    with Port() as again:
        assert again.number == holder.number


def test_running_out_of_ports_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with Port() as holder:
        monkeypatch.setattr(ports, "_free_port", lambda host: holder.number)
        with pytest.raises(OSError, match="no free port on 127"):
            Port()


def test_a_port_of_a_command_line_is_one_that_there_may_be() -> None:
    assert [port_number(text) for text in ("0", "8080", "65535")] == [0, 8080, 65535]
    for text in ("65536", "-5", "x", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is no port"):
            port_number(text)
