"""What a Slurm job notes of its node: only how its server's start ended says something of that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from omr.errors import UserError
from omr.servers.died import ServerDied
from omr.servers.node_notes import BEGUN, DIED, OF_NOTES, SERVED, START, note, serving, starting


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the notes of Slurm's job 17, which is this process."""
    monkeypatch.setenv(OF_NOTES, str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    return tmp_path


def read(notes: Path, name: str = "17") -> tuple[str, str]:
    found = json.loads((notes / name).read_text())
    return found["kind"], found["why"]


def test_a_job_says_how_far_it_came_in_one_note(notes: Path) -> None:
    note(BEGUN)
    assert read(notes) == (BEGUN, "")
    with starting():
        pass
    assert read(notes) == (BEGUN, "")
    note(SERVED)
    assert read(notes) == (SERVED, "")
    assert [path.name for path in notes.iterdir()] == ["17"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (UserError("8 GPUs are wanted on this node, 7 are there"), "8 GPUs are wanted on this node, 7 are there"),
        (OSError(30, "Read-only file system", "/tmp/x"), "[Errno 30] Read-only file system: '/tmp/x'"),
        (
            ServerDied("the server ended with exit status 1", Path("log"), "x\nRuntimeError: CUDA error: unknown error\nbye"),
            "the server ended with exit status 1: RuntimeError: CUDA error: unknown error",
        ),
    ],
)  # fmt: skip
def test_a_server_that_does_not_start_is_noted_with_why(notes: Path, error: Exception, why: str) -> None:
    with pytest.raises(type(error)), starting():
        raise error
    assert read(notes) == (START, why)


def test_one_of_several_nodes_is_named(notes: Path) -> None:
    with pytest.raises(UserError), starting(node="n2"):
        raise UserError("no GPU")
    assert read(notes, "17.n2") == (START, "no GPU")


def test_a_server_that_is_given_up_after_it_was_ready_is_another_thing(notes: Path) -> None:
    with pytest.raises(ServerDied), serving():
        raise ServerDied("died, and all 2 restarts are used up", Path("log"), "")
    assert read(notes)[0] == DIED


@pytest.mark.parametrize("what", ["endpoint", "arguments", "bug"])
def test_what_says_nothing_of_the_node_is_not_noted(notes: Path, what: str) -> None:
    error = {
        "endpoint": UserError("no answer"),
        "arguments": ServerDied("ended", Path("log"), "vllm: error: unrecognized arguments: --x"),
        "bug": ZeroDivisionError(),
    }[what]
    with pytest.raises(type(error)), starting(is_started_here=what != "endpoint"):
        raise error
    assert list(notes.iterdir()) == []


def test_by_hand_without_slurm_and_on_a_full_disk_nothing_is_noted(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OF_NOTES, str(notes / "missing"))
    note(BEGUN)
    monkeypatch.delenv(OF_NOTES)
    note(BEGUN)
    monkeypatch.setenv(OF_NOTES, str(notes))
    monkeypatch.delenv("SLURM_JOB_ID")
    note(BEGUN)
    assert list(notes.iterdir()) == []


def test_a_note_is_one_short_line_without_control_characters(notes: Path) -> None:
    note(START, "a\x1b[31m\n" + 500 * "b")
    why = read(notes)[1]
    assert why.startswith("a [31m bbb")
    assert len(why) < 200
