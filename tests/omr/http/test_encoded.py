"""Answers that come compressed, though nobody asked for it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from carriers import ask, library, plain
from omr.http.answer import Http, HttpError, TooLargeError
from raw_server import raw_server, saying

BODY = "∑ ≤ x".encode() * 100
#: Without the time, which would be in the names of tests.
GZIP = gzip.compress(BODY, mtime=0)


def packed(encoding: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (encoding, len(body)) + body


@pytest.mark.parametrize("http", [plain, library])
def test_a_body_that_is_packed_unasked_is_unpacked(http: Callable[[], Http]) -> None:
    with raw_server(saying(packed(b"gzip", GZIP))) as server:
        assert ask(server.url, http).content == BODY


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"deflate", zlib.compress(BODY)),
        (b"X-GZIP", GZIP),
        (b"identity", BODY),
        (b"gzip", b""),
    ],
    ids=["deflate", "another name", "identity", "nothing"],
)
def test_other_names_and_forms_of_it(encoding: bytes, body: bytes) -> None:
    with raw_server(saying(packed(encoding, body))) as server:
        assert ask(server.url).content == (BODY if body else b"")


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        (b"br", b"\x0b\x00\x80x", r"compressed \(br\), which was not asked for"),
        (b"gzip", b"{}", r"said to be compressed \(gzip\), but cannot be read"),
        (b"gzip", GZIP[:-9], r"compressed answer \(gzip\) is cut"),
    ],
    ids=["br", "no gzip", "cut"],
)
def test_what_cannot_be_unpacked_is_told_as_that(encoding: bytes, body: bytes, said: str) -> None:
    with raw_server(saying(packed(encoding, body))) as server, pytest.raises(HttpError, match=said):
        ask(server.url)


def test_a_small_body_that_becomes_a_large_one_is_given_up_at_the_bound() -> None:
    bomb = packed(b"gzip", gzip.compress(b"a" * (64 << 20)))
    with raw_server(saying(bomb)) as server, pytest.raises(TooLargeError, match="exceeds 1000000 bytes"):
        ask(server.url, most_bytes=1_000_000)
