"""Lines by their places, whatever their length and wherever blocks end."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from omr.browse import lines
from omr.browse.lines import first_id, ids_in, scan


@pytest.mark.parametrize("block", [1, 3, 7, 1 << 20])
@pytest.mark.parametrize("cap", [4, 1000])
def test_every_line_has_its_place_wherever_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, cap: int
) -> None:
    content = [b"one", b"", b"a longer line", b"x" * 50, b"last"]
    path = tmp_path / "file"
    path.write_bytes(b"\n".join(content))
    monkeypatch.setattr(lines, "_BLOCK_BYTES", block)
    found = list(scan(path, 0, cap))
    whole = path.read_bytes()
    assert [whole[line.offset : line.offset + line.length] for line in found] == content
    assert [line.head for line in found] == [one[:cap] for one in content]
    assert [line.is_whole for line in found] == [len(one) <= cap for one in content]


def test_a_line_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\nthr")
    assert [line.offset for line in scan(path, 0, 100, grows=True)] == [0, 4]
    assert [line.head for line in scan(path, 4, 100)] == [b"two", b"thr"]


def test_ids_are_found_without_parsing_and_never_inside_texts() -> None:
    hostile = 'a text with "id":"no" and \\"problem_id\\":\\"no\\" in it'
    row = {"problem": hostile, "id": "a-1-0", "problem_id": "a-1", "seed": 0}
    assert ids_in(orjson.dumps(row)) == {"a-1-0", "a-1"}


def test_ids_of_many_things_inside_a_row_and_ids_with_escapes_are_read_by_parsing() -> None:
    calls = [{"id": f"call-{n}"} for n in range(9)]
    assert ids_in(orjson.dumps({"calls": calls, "id": "x", "thread_id": "t"})) == {"x", "t"}
    assert ids_in(orjson.dumps({"id": 'quote"d', "problem_id": "back\\slash"})) == {'quote"d', "back\\slash"}
    assert ids_in(b'{"id": not json') == set()
    assert ids_in(b"[1]") == set()


def test_the_id_at_the_beginning_of_a_reply_is_enough() -> None:
    assert first_id(b'{"id":"a-1","prompt":"solve') == "a-1"
    assert first_id(b'{"text":"..."') is None
    assert first_id('{"id":"é"'.encode()) is None
