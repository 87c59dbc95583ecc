"""What a session's message may be, and what becomes of everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from omr.sandbox.results import read_reply

GOOD: dict[str, Any] = {"n": 3, "status": "ok", "stdout": "a", "stderr": "b", "stdout_chars": 1, "stderr_chars": 1}


def read(message: bytes, *, interrupted: bool = False) -> Any:
    return read_reply(message, 3, 10, interrupted=interrupted)


def test_a_runners_reply_is_read() -> None:
    result = read(json.dumps(GOOD).encode())
    assert (result.status, result.stdout, result.stderr, result.stdout_chars) == ("ok", "a", "b", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"n": 2}, {"n": True}, {"n": "3"}, {"n": None}, {"status": "died"}, {"status": 1}, {"status": ["ok"]}, {"status": None},
        {"stdout": None}, {"stdout": ["a"]}, {"stderr": 5}, {"stdout_chars": -1}, {"stdout_chars": 1.0},
        {"stderr_chars": True}, {"stderr_chars": 10**30}, {"stderr_chars": None},
    ],
)  # fmt: skip
def test_a_reply_with_a_field_that_no_runner_writes_is_none(change: dict[str, Any]) -> None:
    assert read(json.dumps(GOOD | change).encode()) is None


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_reply_without_a_field_is_none(name: str) -> None:
    assert read(json.dumps({key: value for key, value in GOOD.items() if key != name}).encode()) is None


@pytest.mark.parametrize(
    "message",
    [b"", b"x", b"\xff", b"[]", b"null", b"3", b"[" * 100_000, b'{"n":' * 5000, b"1" * 5000, b'{"n": 3'],
)
def test_what_is_no_object_is_none(message: bytes) -> None:
    assert read(message) is None


def test_a_timeout_that_nobody_asked_for_is_none() -> None:
    message = json.dumps(GOOD | {"status": "timeout"}).encode()
    assert read(message) is None
    assert read(message, interrupted=True).status == "timeout"


def test_forged_text_is_cut_and_cleaned_and_its_count_is_no_less_than_it() -> None:
    result = read(json.dumps(GOOD | {"stdout": "\ud800" * 50, "stdout_chars": 0}).encode())
    assert result.stdout == ("\\ud800" * 50)[:10]
    assert result.stdout_chars == 10
