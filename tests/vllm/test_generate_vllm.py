"""The generate command on a real vLLM: two runs, one stopped and one whose server is killed, and two failed starts.

A start takes half a minute, so each run is made once and shared by the tests of its properties.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from omr.servers.load import Load
from stage_runs import Row
from vllm_lab import VLLM_PYTHON, GenerateRun, name_of, needs_vllm, requested

pytestmark = needs_vllm

SEEDS = (0, 1, 2)
#: Beyond the 512 tokens that the server is told to take.
TOO_LONG = "Let the sum of the angles be 12. " * 200
#: So many that they are not all answered while a busy machine looks for a moment to stop or kill something.
PROBLEMS = {f"r{number}": f"Let the sum be {number}." for number in range(80)} | {"long": TOO_LONG}
ANSWERED = {(row_id, seed) for row_id in PROBLEMS if row_id != "long" for seed in SEEDS}


class Interrupted(NamedTuple):
    """A run that was told to stop, and what the next one made of it."""

    status: int
    load: Load | None  # what its server said while it had requests
    stored: list[Row]  # the journal after the first
    left: dict[int, str]  # processes that the first left
    resumed: GenerateRun


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Interrupted:
    """As at the time limit of a Slurm job: all of its processes get the signal, the server's too."""
    run = GenerateRun(tmp_path_factory.mktemp("interrupted"), checkpoint, flags={"seed": "0 1 2", "grace-s": "2"})
    run.ask(PROBLEMS)
    running = run.start()
    run.wait_for_replies(running, 10)
    # Its figures are of the moment, and there may be one without requests.
    load = next((load for _ in range(200) if (load := run.load()) is not None and load.running), None)
    os.kill(run.process("api_server"), signal.SIGTERM)
    running.send_signal(signal.SIGTERM)
    running.communicate()
    status, stored, left = running.returncode, run.journal, run.processes()
    again = run.start()
    _, said = again.communicate()
    assert again.returncode == 0, said
    return Interrupted(status, load, stored, left, run)


def test_a_run_told_to_stop_keeps_whole_replies_only_and_leaves_no_process(interrupted: Interrupted) -> None:
    assert interrupted.status == 75
    assert len(ANSWERED) > len(interrupted.stored) >= 10
    # vLLM answers what it is about with half a text and the reason `abort`.
    assert {reply["finish_reason"] for reply in interrupted.stored} <= {"stop", "length"}
    assert interrupted.left == {}


def test_its_server_tells_how_busy_it_is(interrupted: Interrupted) -> None:
    load = interrupted.load
    assert load is not None
    assert 1 <= load.running <= load.running + load.waiting <= 8
    assert 0 < load.cache_used < 1
    assert load.preempted == 0
    # Ten replies were stored, and the first of them may be as short as a token.
    assert load.completion_tokens >= 10
    assert load.prompt_tokens >= 10 * len("Let the sum be")


def test_the_next_run_asks_only_for_what_is_missing(interrupted: Interrupted) -> None:
    stored = {name_of(reply) for reply in interrupted.stored}
    _, second = interrupted.resumed.starts()
    assert sorted(requested(second)) == sorted(ANSWERED - stored)
    assert interrupted.resumed.replies[: len(interrupted.stored)] == interrupted.stored


def test_requests_are_sent_when_the_server_is_ready_and_in_the_order_of_the_rows(interrupted: Interrupted) -> None:
    _, second = interrupted.resumed.starts()
    loading, serving = second.split("Application startup complete")
    assert requested(loading) == []
    # Of those sent together, one may overtake others.
    order = [list(PROBLEMS).index(row_id) for row_id, _ in requested(serving)]
    assert all(later > earlier - 8 for earlier, later in pairwise(order))
    assert " 0 tries were repeated" in interrupted.resumed.log


def test_every_request_is_answered_once_with_its_usage_and_a_reason_to_end(interrupted: Interrupted) -> None:
    replies = [reply for reply in interrupted.resumed.replies if reply["error"] is None]
    assert sorted(map(name_of, replies)) == sorted(ANSWERED)
    assert {reply["finish_reason"] for reply in replies} == {"stop", "length"}
    for reply in replies:
        tokens = reply["usage"]["completion_tokens"]
        assert tokens == 200 if reply["finish_reason"] == "length" else 1 <= tokens <= 200
    counts = json.loads((interrupted.resumed.folder / "counts.json").read_text())
    assert counts["completion_tokens"] == sum(reply["usage"]["completion_tokens"] for reply in replies)
    assert counts["without_usage"] == 0


def test_the_samples_of_a_row_differ(interrupted: Interrupted) -> None:
    # The checkpoint's own generation_config.json would make every draw the most probable one.
    texts: dict[str, set[str]] = {}
    for reply in interrupted.resumed.replies:
        if reply["error"] is None:
            texts.setdefault(reply["id"], set()).add(reply["text"])
    assert {len(of_row) for of_row in texts.values()} == {len(SEEDS)}


def test_a_prompt_that_the_server_finds_too_long_is_a_context_overflow_in_its_own_words(
    interrupted: Interrupted,
) -> None:
    failed = [reply for reply in interrupted.resumed.replies if reply["error"] is not None]
    assert [name_of(reply) for reply in failed] == [("long", seed) for seed in SEEDS]
    for reply in failed:
        assert (reply["error"]["kind"], reply["error"]["status"]) == ("context_overflow", 400)
        assert "maximum context length is 512 tokens" in reply["error"]["message"]


def test_a_finished_run_leaves_no_process(interrupted: Interrupted) -> None:
    assert interrupted.resumed.processes() == {}


class Killed(NamedTuple):
    """A run whose server was killed twice, and what was stored by then."""

    run: GenerateRun
    stored: list[list[Row]]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Killed:
    """First the engine is killed, then the process that answers requests, which leaves the new engine an orphan.

    The command runs in the server's own environment, as with `snakemake --sdm conda`.
    """
    flags = {"seed": "0 1 2", "tokenizer": str(checkpoint / "tokenizer.json")}
    run = GenerateRun(tmp_path_factory.mktemp("killed"), checkpoint, flags=flags, python=str(VLLM_PYTHON))
    run.ask(PROBLEMS)
    running = run.start()
    stored = []
    for victim, replies in (("VLLM::EngineCore", 10), ("api_server", 50)):
        run.wait_for_replies(running, replies)
        stored.append(run.journal)
        os.kill(run.process(victim), signal.SIGKILL)
    _, said = running.communicate()
    assert running.returncode == 0, said
    return Killed(run, stored)


def test_a_server_that_is_killed_is_started_again_and_every_request_answered_once(killed: Killed) -> None:
    assert len(killed.run.starts()) == 3
    assert killed.run.log.count("the server is gone") == 2
    replies = [reply for reply in killed.run.replies if reply["error"] is None]
    assert sorted(map(name_of, replies)) == sorted(ANSWERED)
    assert {reply["finish_reason"] for reply in replies} <= {"stop", "length"}


def test_no_stored_reply_is_asked_for_again_after_a_restart(killed: Killed) -> None:
    _, *restarts = killed.run.starts()
    for server_log, stored in zip(restarts, killed.stored, strict=True):
        assert requested(server_log)
        assert not set(requested(server_log)) & {name_of(reply) for reply in stored}


def test_a_prompt_that_the_models_tokenizer_finds_too_long_is_never_sent(killed: Killed) -> None:
    failed = [reply for reply in killed.run.replies if reply["error"] is not None]
    assert {name_of(reply) for reply in failed} == {("long", seed) for seed in SEEDS}
    assert {reply["error"]["status"] for reply in failed} == {None}
    assert {reply["error"]["kind"] for reply in failed} == {"context_overflow"}


def test_no_process_of_a_killed_server_is_left(killed: Killed) -> None:
    assert killed.run.processes() == {}


def failure_of(run: GenerateRun) -> str:
    """What the command says when it fails; its server was started but once."""
    run.ask({"r": "x"})
    running = run.start()
    _, said = running.communicate()
    assert running.returncode == 2
    assert len(run.starts()) == 1
    assert run.processes() == {}
    return said


def test_an_argument_that_vllm_does_not_know_fails_the_job_with_the_end_of_its_log(
    tmp_path: Path, checkpoint: Path
) -> None:
    said = failure_of(GenerateRun(tmp_path, checkpoint, args=["--no-such-argument"]))
    assert "error: unrecognized arguments: --no-such-argument" in said
    assert "remedy: check `args` of the model" in said


def test_broken_weights_fail_the_job_with_the_cause_although_vllm_prints_much_after_it(
    tmp_path: Path, checkpoint: Path
) -> None:
    broken = shutil.copytree(checkpoint, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes((checkpoint / "model.safetensors").read_bytes()[:500_000])
    said = failure_of(GenerateRun(tmp_path / "run", broken))
    assert "SafetensorError: Error while deserializing header" in said
    assert "Engine core initialization failed" in said
