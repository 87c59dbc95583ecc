"""The journal of turns: what survives a kill, and what is left out."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omr.errors import UserError
from omr.turns.insertions import Insertion
from omr.turns.journal import Turn, TurnJournal, forget_turns, past_of

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


GOOD = WHO | {"turn": 0, "past": past_of(WHO["key"], [])} | FIRST.as_json()
RAN = SHOWN.as_json()


@pytest.mark.parametrize(
    "line",
    [
        *(b"[1]", b"{}", b"null", b'{"key":"00","turn":0,"past":"x"}', b"\xff", b"", b'"' + b"[" * 5000),
        *(orjson.dumps(GOOD | {"key": key}) for key in ([], {}, None, 7, "no number", "")),
        *(orjson.dumps(GOOD | {"text": text}) for text in (None, 5, ["a"])),
        *(orjson.dumps(GOOD | {"usage": usage}) for usage in ([], 3, {"prompt_tokens": "9"}, {"prompt_tokens": None})),
        *(orjson.dumps(GOOD | {"ran_on": None}), orjson.dumps(GOOD | {"message": "m"}), orjson.dumps({"key": "aa"})),
        *(orjson.dumps(GOOD | {"ran": ran}) for ran in ({}, 5, [], RAN[:-2], [*RAN, 1], [2, 1, *RAN[2:]])),
        *(orjson.dumps(GOOD | {"ran": [*RAN[:3], status, 0.1, None]}) for status in (None, 5)),
        orjson.dumps(GOOD | {"ran": RAN, "before": "short"}),
    ],
)
def test_a_line_that_is_no_turn_is_left_out_and_told_in_a_sentence(tmp_path: Path, line: bytes) -> None:
    path, said = write(tmp_path), list[str]()
    path.write_bytes(line + b"\n" + path.read_bytes())
    with TurnJournal(tmp_path / "out.jsonl", lambda key: int(key, 16) == 0, said.append) as turns:
        assert turns.take(WHO["key"]) == [FIRST, SECOND]
    assert [line for line in said if "1 line is no turn and was left out" in line]
    assert len(path.read_bytes().splitlines()) == 3


@given(st.binary(max_size=60), st.integers(0, 2000))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_that_go_wrong_anywhere_cost_turns_and_no_traceback(tmp_path: Path, noise: bytes, place: int) -> None:
    path = write(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    with journal(tmp_path) as turns:
        for key in (WHO["key"], "00000000000000bb"):
            assert all(isinstance(turn, Turn) for turn in turns.take(key))
    path.unlink()


def test_what_was_stored_is_on_the_disk_when_the_journal_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
    path = write(tmp_path)
    assert synced[-1] == path.stat().st_size

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    path.unlink()
    with pytest.raises(UserError, match="turns cannot be stored: Input/output error"):
        write(tmp_path)


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


def test_nothing_is_written_where_the_check_refuses(tmp_path: Path) -> None:
    def refuse() -> None:
        raise UserError("another job took over")

    path = write(tmp_path)
    before = path.read_bytes() + b"{torn"
    path.write_bytes(before)
    with pytest.raises(UserError, match="took over"), TurnJournal(path.with_suffix(""), bool, check=refuse):
        pass
    assert path.read_bytes() == before
    path.unlink()
    with pytest.raises(UserError, match="took over"), TurnJournal(path.with_suffix(""), bool, check=refuse) as turns:
        turns.append(WHO, [FIRST])
    assert not path.exists()
