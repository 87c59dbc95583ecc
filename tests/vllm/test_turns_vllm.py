"""Solutions with code on a real vLLM: seeds, stops, prefix reuse, and a job that is killed in the middle.

A start takes half a minute, so the whole run and the killed one are made once and shared by the tests of their properties.
"""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from markov_model import INVENTED, save_markov_model
from omr.replies.steps import ENDINGS, steps_of
from stage_runs import Row
from vllm_lab import PATIENCE_S, ROOT, GenerateRun, needs_vllm, wait_until

PYTHON = ROOT / ".venv-sandbox/bin/python"
pytestmark = [
    *needs_vllm,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs `make .venv-sandbox/sandbox.lock.txt.installed`"),
]

CODE = {
    "tags": "tool_call", "min_budget": 1, "max_budget": 6, "show_budget": True, "timeout_s": 10, "output_chars": 1000,
    "memory_mb": 2048,
}  # fmt: skip
SITE = {"python": str(PYTHON), "cores": 1, "memory_gb": 4, "tier": None, "container": [], "required": True}
MODEL = {"max_model_len": 2048, "concurrency": 6}
PROBLEMS = {f"r{number}": f"What is {number}?" for number in range(20)}
STORED = 12
_RECEIVED = re.compile(r"Received request cmpl-(solve/\w+/solve/\d+/\d+)\b")


def prepared(folder: Path, checkpoint: Path) -> GenerateRun:
    flags = {"max-tokens": "600", "code": json.dumps(CODE, separators=(",", ":"))}
    # A block of the cache has 128 tokens on CPUs, which is more than most turns have.
    run = GenerateRun(folder, checkpoint, MODEL, flags, args=["--block-size=32"], config={"sandbox": SITE})
    run.ask(PROBLEMS)
    return run


class Killed(NamedTuple):
    """A run whose job was killed; the stored turns at that time, by request id, and what both servers took in."""

    run: GenerateRun
    stored: set[str]
    asked: list[Counter[str]]


@pytest.fixture(scope="module")
def markov(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_markov_model(tmp_path_factory.mktemp("models") / "markov")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, markov: Path) -> GenerateRun:
    run = prepared(tmp_path_factory.mktemp("whole") / "run", markov)
    _, errors = run.start().communicate(timeout=2 * PATIENCE_S)
    assert run.replies, errors
    return run


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, markov: Path) -> Killed:
    run = prepared(tmp_path_factory.mktemp("killed") / "run", markov)
    turns = run.folder / "out.jsonl.turns"
    running = run.start()
    wait_until(lambda: running.poll() is not None or (turns.exists() and len(lines(turns)) >= STORED))
    running.send_signal(signal.SIGKILL)
    running.communicate()
    wait_until(lambda: not run.processes())
    stored = {f"solve/{row['id']}/solve/{row['seed']}/{row['turn']}" for row in map(json.loads, lines(turns))}
    with turns.open("ab") as file:
        file.write(b'{"id":"r3","prompt":"so')
    again = run.start()
    _, errors = again.communicate(timeout=2 * PATIENCE_S)
    assert again.returncode == 0, errors
    return Killed(run, stored, [Counter(_RECEIVED.findall(start)) for start in run.starts()])


def lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def by_id(run: GenerateRun) -> dict[str, Row]:
    return {reply["id"]: reply for reply in run.replies}


def test_blocks_are_run_and_their_outputs_stand_behind_them(whole: GenerateRun) -> None:
    replies = by_id(whole)
    assert set(replies) == set(PROBLEMS)
    seen = Counter[str]()
    for reply in replies.values():
        assert reply["error"] is None
        assert reply["ended"] in ENDINGS
        for step in steps_of(reply):
            seen[step.code(reply["text"])] += 1
            if step.code(reply["text"]) == "print(6*7)":
                assert step.output(reply["text"]) == "42\n"
            if step.code(reply["text"]) == "print(1/0)":
                assert "ZeroDivisionError" in step.output(reply["text"])
    assert len(seen) >= 4
    assert len({reply["text"] for reply in replies.values()}) == len(replies)


def test_the_server_stops_behind_each_block(whole: GenerateRun) -> None:
    assert all(reply["ran_on"] == 0 and INVENTED not in reply["text"] for reply in whole.replies)
    assert {reply["ended"] for reply in whole.replies} >= {"stop"}


def test_no_solution_has_more_blocks_or_tokens_than_it_may(whole: GenerateRun) -> None:
    for reply in whole.replies:
        assert reply["executions"] <= reply["executions_allowed"]
        assert reply["turns"] >= reply["executions"]
        assert reply["usage"]["completion_tokens"] <= 600


def test_later_turns_are_taken_from_the_servers_cache(whole: GenerateRun) -> None:
    usage = [reply["usage"] for reply in whole.replies if reply["turns"] > 2]
    assert usage
    # First turns have nothing to be known, and of each prompt only whole blocks of 32 tokens are.
    assert sum(found["cached_tokens"] for found in usage) > 0.3 * sum(found["prompt_tokens"] for found in usage)
    assert "of what later ones repeat the server still knew" in whole.log


def test_after_a_kill_no_stored_turn_is_asked_again(killed: Killed) -> None:
    before, after = killed.asked
    assert len(killed.stored) >= STORED
    assert killed.stored <= set(before)
    assert not killed.stored & set(after)
    assert max((before + after).values()) <= 2


def test_a_killed_run_ends_as_one_that_was_left_alone(whole: GenerateRun, killed: Killed) -> None:
    fields = ("text", "steps", "blocks", "ended", "executions", "executions_allowed", "turns", "finish_reason")
    found, expected = by_id(killed.run), by_id(whole)
    assert {name: [reply[field] for field in fields] for name, reply in found.items()} == {
        name: [reply[field] for field in fields] for name, reply in expected.items()
    }
    assert not (killed.run.folder / "out.jsonl.turns").exists()
