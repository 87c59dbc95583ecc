"""Streams of server-sent events, cut into chunks anywhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omr.asking.server_events import Event, EventParser, looks_like_events

STREAM = (
    b"\xef\xbb\xbf: hello\r\n\r\ndata: one\r\n\r\nevent: error\ndata: two\ndata:  lines\n\n"
    b"id: 7\rretry: 10\rdata:\xe2\x89\xa4 \xc3\xa9\r\rdata\n\n\n\ndata: [DONE]\n\ndata: torn"
)
EVENTS = [
    Event("message", b"one"),
    Event("error", b"two\n lines"),
    Event("message", "≤ é".encode()),
    Event("message", b""),
    Event("message", b"[DONE]"),
]


def parse(*chunks: bytes) -> list[Event]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def test_a_stream_is_read_as_the_standard_says() -> None:
    assert parse(STREAM) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_may_be_cut_at_any_byte(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    assert parse(*(STREAM[a:b] for a, b in pairwise(places))) == EVENTS


def test_a_stream_may_come_byte_by_byte() -> None:
    assert parse(*(STREAM[place : place + 1] for place in range(len(STREAM)))) == EVENTS


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_are_too_odd_to_be_parsed_and_how_they_are_cut_changes_nothing(chunks: list[bytes]) -> None:
    assert parse(*chunks) == parse(b"".join(chunks))


@pytest.mark.parametrize("content", [b"data: {}\n\n", b"\n: ping\n\ndata: {}", b"\xef\xbb\xbfevent: x\ndata: {}\n\n"])
def test_a_stream_is_known_by_how_it_begins(content: bytes) -> None:
    assert looks_like_events(content)


@pytest.mark.parametrize("content", [b"", b'{"choices": []}', b"[1]", b"<html>", b"database is down"])
def test_other_bodies_are_no_streams(content: bytes) -> None:
    assert not looks_like_events(content)
