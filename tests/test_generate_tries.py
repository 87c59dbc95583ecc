"""Requests whose replies cannot be read are asked again: over real HTTP, through kills, and with a better parser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import generate
import orjson
import pytest
from omr.errors import UserError
from omr.parsers.readable import is_readable
from omr.replay.launch import RunningServer, running_server
from omr.replies.reply import SEEDS_PER_TRY, Reply
from omr.replies.tries import TriedReplies

PROMPT = "classify_mcq"


class Stage:
    """A classification of rows by a server that says `not mcq` to row n at its try n, and nonsense before."""

    def __init__(self, folder: Path, rows: int, bound: float = 1.0) -> None:
        self.folder = folder
        self.asked: list[str] = []
        (folder / "rows.jsonl").write_bytes(b"".join(orjson.dumps({"id": str(n)}) + b"\n" for n in range(rows)))
        (folder / f"{PROMPT}.yaml").write_text("user: 'Is {{ id }} a choice?'\n")
        self.bound = bound

    def reply(self, request_id: str) -> str:
        self.asked.append(request_id)
        _, row, _, seed = request_id.split("/")
        return "not mcq" if int(seed) // SEEDS_PER_TRY >= int(row) else "It is a nice problem."

    def run(self, server: RunningServer, retries: int = 2) -> dict[str, Any]:
        model = {"path": "replay", "server": "endpoint", "base_url": server.base_url, "retries": 0, "max_outage_s": 1}
        config = {"models": {"m": model}, "unreadable": {"max_fraction": self.bound}}
        (self.folder / "config.json").write_bytes(orjson.dumps(config))
        paths = {"rows": "rows.jsonl", "prompt": f"{PROMPT}.yaml", "config": "config.json", "output": "r.jsonl"}
        flags = [part for flag, name in paths.items() for part in (f"--{flag}", str(self.folder / name))]
        flags += ["--counts", str(self.folder / "c.json"), "--stage", "s", "--model", "m", "--max-tokens", "9"]
        assert generate.main([*flags, "--retries", str(retries), "--retry-temperature", "0.5"]) == 0
        return dict(orjson.loads((self.folder / "c.json").read_bytes()))

    def replies(self) -> list[Reply]:
        return [orjson.loads(line) for line in (self.folder / "r.jsonl").read_bytes().splitlines()]

    def read(self) -> list[str]:
        with TriedReplies([self.folder / "r.jsonl"], is_readable) as tried:
            rows = len((self.folder / "rows.jsonl").read_bytes().splitlines())
            return [str((tried.get(str(n), PROMPT) or {})["text"]) for n in range(rows)]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, rows=4)


@pytest.fixture
def server(stage: Stage) -> Iterator[RunningServer]:
    with running_server(stage.reply) as running:
        yield running


def test_an_unreadable_reply_is_asked_again_until_it_can_be_read(stage: Stage, server: RunningServer) -> None:
    counts = stage.run(server)
    tries = sorted((str(reply["id"]), reply["seed"] // SEEDS_PER_TRY) for reply in stage.replies())
    assert tries == [("0", 0), ("1", 0), ("1", 1), ("2", 0), ("2", 1), ("2", 2), ("3", 0), ("3", 1), ("3", 2)]
    assert counts["asked_again"] == {"replies": 5, "recovered": 2, "left": 1}
    assert counts["requests"] == len(stage.asked) == 9
    assert stage.read() == ["not mcq", "not mcq", "not mcq", "It is a nice problem."]


def test_each_try_is_a_request_of_its_own(stage: Stage, server: RunningServer) -> None:
    stage.run(server)
    assert len({reply["key"] for reply in stage.replies()}) == len(set(stage.asked)) == 9


def test_a_second_run_asks_nothing_and_counts_the_same(stage: Stage, server: RunningServer) -> None:
    first = stage.run(server)
    asked, output = list(stage.asked), (stage.folder / "r.jsonl").read_bytes()
    second = stage.run(server)
    assert stage.asked == asked
    assert (stage.folder / "r.jsonl").read_bytes() == output
    assert second["asked_again"] == first["asked_again"]


def test_what_a_kill_left_is_gone_on_with_at_the_very_try(stage: Stage, server: RunningServer) -> None:
    whole = stage.run(server)
    journal = stage.folder / "r.jsonl.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    (stage.folder / "r.jsonl").unlink()
    for kept in range(len(lines)):
        journal.unlink(missing_ok=True)
        journal.write_bytes(b"".join(lines[:kept]) + lines[kept][:20])
        stage.asked.clear()
        assert stage.run(server)["asked_again"] == whole["asked_again"]
        assert len(stage.asked) == len(lines) - kept
        assert sorted(reply["key"] for reply in stage.replies()) == sorted(orjson.loads(line)["key"] for line in lines)


def test_more_retries_ask_only_for_the_further_ones(stage: Stage, server: RunningServer) -> None:
    stage.run(server, 1)
    stage.asked.clear()
    assert stage.run(server, 3)["asked_again"] == {"replies": 6, "recovered": 3, "left": 0}
    assert sorted(stage.asked) == [f"s/2/{PROMPT}/2000000", f"s/3/{PROMPT}/2000000", f"s/3/{PROMPT}/3000000"]


def test_a_better_parser_keeps_all_tries_and_asks_nothing(
    stage: Stage, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.run(server)
    stage.asked.clear()
    stored = sorted(str(reply["key"]) for reply in stage.replies())
    monkeypatch.setattr("omr.parsers.readable.is_readable", lambda reply: True)
    assert stage.run(server)["asked_again"] == {"replies": 5, "recovered": 0, "left": 0}
    assert stage.asked == []
    assert sorted(str(reply["key"]) for reply in stage.replies()) == stored


@pytest.mark.parametrize(("bound", "stops"), [(0.0, True), (0.24, True), (0.25, False), (1.0, False)])
def test_a_share_of_unreadable_requests_above_the_bound_stops_the_job_and_keeps_what_came(
    stage: Stage, server: RunningServer, bound: float, stops: bool
) -> None:
    stage.bound = bound
    if not stops:
        assert stage.run(server)["asked_again"]["left"] == 1
        return
    with pytest.raises(UserError, match=r"1 of 4 requests .* `unreadable.max_fraction`") as told:
        stage.run(server)
    assert f"the reply to 3 ({PROMPT}): It is a nice problem." in str(told.value)
    assert not (stage.folder / "r.jsonl").exists()
    with pytest.raises(UserError, match="1 of 4 requests"):
        stage.run(server)
    stage.bound = 0.25
    stage.run(server)
    assert len(stage.asked) == len(set(stage.asked)) == 9
