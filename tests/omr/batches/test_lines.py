"""Lines of batches: files that are full in time, and results of which nothing is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.batches import lines as lines_module
from omr.batches.lines import Result, Results, write_requests

KEYS = [f"{number:016x}" for number in range(4)]


def requests() -> list[tuple[str, dict[str, Any]]]:
    return [(key, {"messages": [{"role": "user", "content": "≤" * 10}]}) for key in KEYS]


def test_a_file_ends_where_it_is_full_and_says_what_no_file_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "input"
    assert write_requests(path, requests(), 10, 10_000) == (KEYS, [])
    lines = path.read_bytes().splitlines(keepends=True)
    assert [orjson.loads(line)["custom_id"] for line in lines] == KEYS
    assert {orjson.loads(line)["url"] for line in lines} == {"/v1/chat/completions"}
    assert write_requests(path, requests(), 3, 10_000) == (KEYS[:3], [])
    two = len(lines[0]) + len(lines[1])
    assert write_requests(path, requests(), 10, two) == (KEYS[:2], [])
    assert path.stat().st_size == two
    large = [("f" * 16, {"messages": "x" * 1000}), *requests()]
    assert write_requests(path, large, 10, two) == (KEYS[:2], ["f" * 16])


def good(key: str, text: str = "a", status: int = 200) -> bytes:
    return orjson.dumps({"custom_id": key, "response": {"status_code": status, "body": {"text": text}}, "error": None})


def read(tmp_path: Path, *files: bytes) -> Results:
    paths = [tmp_path / f"file-{number}" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    return Results(paths, lambda key: key < len(KEYS))


def test_results_are_found_by_key_in_any_order_and_in_either_file(tmp_path: Path) -> None:
    error = json.dumps({"custom_id": KEYS[2], "response": None, "error": {"code": "batch_expired"}}).encode()
    found = read(tmp_path, good(KEYS[1], "≤") + b"\n" + good(KEYS[0], "b") + b"\n", error)
    assert len(found) == 3
    assert [found.get(number) for number in range(4)] == [
        Result(200, {"text": "b"}),
        Result(200, {"text": "≤"}),
        Result(0, None, {"code": "batch_expired"}),
        None,
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "unreadable"),
        (b"\xff\xfe", "unreadable"),
        (b"[1]", "not asked"),
        (b"null", "not asked"),
        (good("f" * 16), "not asked"),
        (good("0x00000000000001"), "not asked"),
        (good("1"), "not asked"),
        (b'{"custom_id": 1, "response": {"status_code": 200}}', "not asked"),
        (good(KEYS[0]), "repeated"),
        (json.dumps({"custom_id": KEYS[1]}).encode(), "without a result"),
        (json.dumps({"custom_id": KEYS[1], "response": "x", "error": []}).encode(), "without a result"),
        (json.dumps({"custom_id": KEYS[1], "response": {"status_code": True}}).encode(), "without a result"),
        (json.dumps({"custom_id": KEYS[1], "response": {"status_code": 7}}).encode(), "without a result"),
        (b"x" * 2000, "too long"),
    ],
)
def test_hostile_lines_are_counted_and_hide_no_good_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes, reason: str
) -> None:
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", 1000)
    found = read(tmp_path, good(KEYS[0]) + b"\n\n" + line + b"\n" + good(KEYS[3], "z") + b"\n")
    assert dict(found.odd) == {reason: 1}
    assert found.get(0) == Result(200, {"text": "a"})
    assert found.get(3) == Result(200, {"text": "z"})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_are_too_odd_for_a_file_of_results(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    found = read(tmp_path_factory.mktemp("odd"), b"\n".join([*parts, good(KEYS[2])]))
    assert found.get(2) == Result(200, {"text": "a"})
