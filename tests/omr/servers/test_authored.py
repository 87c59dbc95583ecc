"""Authored replies that the job itself answers: like a server, without a process."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
from generate import main
from omr.errors import UserError, run_command
from omr.models.model import ModelSpec, model_spec
from omr.servers.opened import open_server

REPLIES = "about: written for this test, no model's\nreplies: {}\ndefault: seven\n"


@pytest.fixture
def replies(tmp_path: Path) -> Path:
    folder = tmp_path / "replies"
    folder.mkdir()
    (folder / "solve.yaml").write_text(REPLIES)
    return folder


def generate(folder: Path, replies: Path, rows: int = 3) -> int:
    """A job of a model whose replies are authored; its exit status."""
    (folder / "rows.jsonl").write_bytes(
        b"".join(orjson.dumps({"id": f"r{n}", "problem": "p"}) + b"\n" for n in range(rows))
    )
    (folder / "ask.yaml").write_text("user: '{{ problem }}'\n")
    config = {"models": {"m": {"path": "people", "server": "authored", "replies": str(replies)}}}
    (folder / "config.yaml").write_bytes(orjson.dumps(config))
    flags = {
        "stage": "solve",
        "model": "m",
        "max-tokens": "100",
        "rows": folder / "rows.jsonl",
        "log": folder / "job.log",
    }
    flags |= {"prompt": folder / "ask.yaml", "config": folder / "config.yaml"}
    flags |= {"output": folder / "out.jsonl", "counts": folder / "counts.json"}
    return run_command(lambda: main([str(part) for name, value in flags.items() for part in (f"--{name}", value)]))


def replies_of(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / "out.jsonl").read_bytes().splitlines()]


def no_process(*args: object, **options: object) -> None:
    raise AssertionError(f"a process was started: {args}")


def test_a_job_answers_itself_and_starts_no_other_process(
    tmp_path: Path, replies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((subprocess, "Popen"), (os, "fork"), (os, "posix_spawn")):
        monkeypatch.setattr(module, name, no_process)
    assert generate(tmp_path, replies) == 0
    assert [(reply["text"], reply["model"], reply["error"]) for reply in replies_of(tmp_path)] == [
        ("seven", "people", None)
    ] * 3
    assert not list(tmp_path.glob("*.server.log"))
    counts = orjson.loads((tmp_path / "counts.json").read_bytes())
    assert (counts["requests"], counts["starts"]) == (3, 1)


def test_what_is_not_authored_fails_as_a_request_that_a_server_refuses(tmp_path: Path, replies: Path) -> None:
    (replies / "solve.yaml").write_text("about: written for this test\nreplies: {r1: seven}\n")
    assert generate(tmp_path, replies) == 2
    assert "no authored reply to 'solve/r" in (tmp_path / "job.log").read_text()


@pytest.mark.parametrize(
    ("file", "text", "what"),
    [
        (None, "", "there is no such folder of replies"),
        ("solve.yml", REPLIES, "this file would be passed over"),
        ("solve.yaml", "replies: {r1: [}\n", "solve.yaml"),
    ],
)
def test_replies_that_are_not_as_they_should_be_end_the_job_with_a_sentence(
    tmp_path: Path, file: str | None, text: str, what: str
) -> None:
    folder = tmp_path / "replies"
    if file is not None:
        folder.mkdir()
        (folder / file).write_text(text)
    assert generate(tmp_path, folder) == 2
    said = (tmp_path / "job.log").read_text()
    assert what in said
    assert "Traceback" not in said


def test_it_listens_on_loopback_only_while_it_is_open(tmp_path: Path, replies: Path) -> None:
    async def act() -> None:
        spec = ModelSpec("m", "people", "authored", replies=str(replies))
        async with open_server(spec, log_path=tmp_path / "log", scratch=tmp_path) as server:
            assert server.base_url.startswith("http://127.0.0.1:")
            port = int(server.base_url.removesuffix("/v1").rpartition(":")[2])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            assert server.failure() is None
            watch = asyncio.ensure_future(server.wait_dead())
            await asyncio.sleep(0)
            assert not watch.done()
            watch.cancel()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await server.stop()  # once more does nothing

    asyncio.run(act())


def test_stopping_what_never_started_is_nothing(tmp_path: Path) -> None:
    spec = ModelSpec("m", "people", "authored", replies=str(tmp_path / "nowhere"))

    async def act() -> None:
        server = open_server(spec, log_path=tmp_path / "log", scratch=tmp_path)
        with pytest.raises(UserError, match="no such folder"):
            await server.start()
        await server.stop()

    asyncio.run(act())


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ({}, "names no folder under `replies`"),
        ({"replies": "r", "args": ["--latency-s", "1"]}, "`args` and"),
        ({"replies": "r", "environment": {"A": "b"}}, "`environment` are for"),
    ],
)
def test_what_it_has_no_use_for_is_refused(entry: dict[str, Any], what: str) -> None:
    with pytest.raises(UserError, match=what):
        model_spec({"models": {"m": {"path": "people", "server": "authored"} | entry}}, "m")
