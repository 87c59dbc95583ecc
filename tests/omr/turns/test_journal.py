"""The journal of turns: what survives a kill, and what is left out."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from omr.errors import UserError
from omr.turns.insertions import Insertion
from omr.turns.journal import Turn, TurnJournal, forget_turns

WHO = {"id": "row", "prompt": "p", "seed": 0, "key": "00000000000000aa"}
SHOWN = Insertion("\n```output\n1\n```\n", 11, 13, 2, "ok", 0.25)
FIRST = Turn("a<tool_call>\nprint(1)\n</tool_call>", usage={"prompt_tokens": 3}, ran_on=2, latency_s=0.5)
SECOND = Turn("b", SHOWN, {"prompt_tokens": 9, "cached_tokens": 4}, message={"role": "assistant"})


def journal(folder: Path, *finished: str) -> TurnJournal:
    return TurnJournal(folder / "out.jsonl", finished.__contains__)


def write(folder: Path) -> Path:
    with journal(folder) as turns:
        turns.append(WHO, [FIRST])
        turns.append(WHO | {"key": "00000000000000bb"}, [FIRST])
        turns.append(WHO, [FIRST, SECOND])
    return folder / "out.jsonl.turns"


def test_turns_are_handed_out_once_and_in_their_order(tmp_path: Path) -> None:
    write(tmp_path)
    with journal(tmp_path) as turns:
        assert turns.take(WHO["key"]) == [FIRST, SECOND]
        assert turns.take(WHO["key"]) == []
        assert turns.take("00000000000000bb") == [FIRST]
        assert turns.take("00000000000000cc") == []


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_last_line_is_left_out_and_what_follows_is_whole(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    with journal(tmp_path) as turns:
        assert turns.take(WHO["key"]) == [FIRST]
        turns.append(WHO, [FIRST, SECOND])
    with journal(tmp_path) as turns:
        assert turns.take(WHO["key"]) == [FIRST, SECOND]


def test_turns_of_finished_solutions_are_left_out_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path)
    with journal(tmp_path, WHO["key"]) as turns:
        assert turns.take(WHO["key"]) == []
    assert len(path.read_bytes().splitlines()) == 1


def test_a_turn_that_does_not_fit_those_before_it_ends_them(tmp_path: Path) -> None:
    path = write(tmp_path)
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    lines[0]["text"] = "something else"
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    with journal(tmp_path) as turns:
        assert [turn.text for turn in turns.take(WHO["key"])] == ["something else"]


@pytest.mark.parametrize(
    "line", [b"[1]\n", b"{}\n", b"null\n", b'{"key":"00","turn":0,"past":"x"}\n', b"\xff\n", b"\n"]
)
def test_a_line_that_is_no_turn_is_left_out(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path)
    path.write_bytes(line + path.read_bytes())
    with journal(tmp_path) as turns:
        assert turns.take(WHO["key"]) == [FIRST, SECOND]


def test_a_disk_that_takes_nothing_is_an_error_of_the_user(tmp_path: Path) -> None:
    with journal(tmp_path / "gone") as turns, pytest.raises(UserError, match="turns cannot be stored"):
        turns.append(WHO, [FIRST])


def test_without_turns_there_is_no_file_and_nothing_to_forget(tmp_path: Path) -> None:
    with journal(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
    forget_turns(tmp_path / "out.jsonl")
    write(tmp_path)
    forget_turns(tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []
