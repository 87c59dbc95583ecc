"""Replies that were put aside, and come back when they are asked for again."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from omr.replies.journal import ReplyStore


def reply(number: int, tokens: int = 5) -> dict[str, Any]:
    identity = {"id": f"r{number}", "prompt": "p", "seed": 0, "key": f"{number:016x}"}
    usage = {"prompt_tokens": 1, "completion_tokens": tokens}
    return identity | {"text": "t", "error": None, "finish_reason": "stop", "latency_s": 0.25, "usage": usage}


def failure(number: int) -> dict[str, Any]:
    return reply(number) | {"text": None, "error": {"kind": "timeout", "status": None, "message": "m"}}


def stored(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def ask(output: Path, numbers: range, tokens: int = 5) -> list[int]:
    """Ask for these replies, as a job does; which of them were not there."""
    said: list[int] = []
    with ReplyStore(output) as store:
        for number in numbers:
            if not store.recall(f"{number:016x}"):
                store.append(reply(number, tokens=tokens))
                said.append(number)
        store.publish(numbers)
    return said


def test_going_back_to_earlier_requests_asks_nothing_again_and_spends_nothing(tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    one, other = range(3), range(10, 13)
    assert (ask(output, one), ask(output, other)) == ([*one], [*other])
    first = output.read_bytes()
    for numbers in (one, other, one, other):
        assert ask(output, numbers) == []
        assert [row["key"] for row in stored(output)] == [f"{number:016x}" for number in numbers]
        with ReplyStore(output) as store:
            assert store.usage.tokens()["completion_tokens"] == 15
            assert store.held.superseded["completion_tokens"] == 15
    assert output.read_bytes() == first
    # Each lies there once, however often it was put aside.
    assert len(stored(tmp_path / "x.jsonl.superseded")) == 6


def test_of_replies_put_aside_a_torn_line_is_written_over_and_failures_are_asked_again(tmp_path: Path) -> None:
    output, aside = tmp_path / "x.jsonl", tmp_path / "x.jsonl.superseded"
    with ReplyStore(output) as store:
        store.append(reply(0))
        store.publish([0, 1], [failure(1)])
    ask(output, range(5, 6))
    assert [row["id"] for row in stored(aside)] == ["r0"]
    with aside.open("ab") as handle:
        handle.write(b'{"id": "r9", "ke')
    ask(output, range(7, 8))
    assert [row["id"] for row in stored(aside)] == ["r0", "r5"]
    assert ask(output, range(2)) == [1]


@pytest.mark.parametrize("line", [b"\xff{no json\n", b"[]\n", b"{}\n", b'{"key": 7}\n', b'{"key": "none"}\n'])
def test_a_spoiled_line_among_replies_put_aside_hides_and_cuts_off_no_other(tmp_path: Path, line: bytes) -> None:
    output, aside = tmp_path / "x.jsonl", tmp_path / "x.jsonl.superseded"
    ask(output, range(3))
    ask(output, range(5, 6))
    lines = aside.read_bytes().splitlines(keepends=True)
    aside.write_bytes(lines[0] + line + b"".join(lines[1:]))
    ask(output, range(7, 8))
    assert aside.read_bytes().startswith(lines[0] + line + lines[1] + lines[2])
    assert ask(output, range(3)) == []


def test_a_disk_that_does_not_take_what_is_put_aside_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    ask(tmp_path / "x.jsonl", range(1))

    def add(self: Any, lines: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("omr.replies.superseded.Superseded.add", add)
    with ReplyStore(tmp_path / "x.jsonl", said.append) as store:
        store.append(reply(1))
        store.publish([1])
    assert [row["id"] for row in stored(tmp_path / "x.jsonl")] == ["r1"]
    assert any("No space left on device; replies are left out and not kept" in line for line in said)
