"""Pushes to a hub on this machine that cut off, break down, and are killed: they go on, and end in one commit."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.utils._http as library
import publish_dataset
import pytest
from fake_hub import FakeHub, FakeRepo
from huggingface_hub import constants
from omr.errors import UserError
from omr.hub import push as module

SCRIPT = Path(publish_dataset.__file__)
REPO, NAME, TOKEN = "me/data", "datasets/me/data", "hf_secret"
FILES = 23


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub({}) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        # The one protocol of two that this hub speaks.
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(library.time, "sleep", lambda _: None)
        monkeypatch.setattr(module, "_WAITS_S", (0.0, 0.0))
        yield served


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "dataset"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n\n# A title\n")
    for number in range(FILES):
        (folder / f"data/train-{number:05d}-of-{FILES:05d}.parquet").write_bytes(b"%d " % number * 5000)
    return folder


def contents(dataset: Path) -> dict[str, bytes]:
    return {path.relative_to(dataset).as_posix(): path.read_bytes() for path in dataset.rglob("*") if path.is_file()}


def oid(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def publish(dataset: Path) -> int:
    receipt = dataset.parent / "receipt.json"
    return publish_dataset.main([f"--dataset={dataset}", f"--repo={REPO}", f"--output={receipt}"])


def test_many_files_are_one_commit_in_which_older_ones_are_deleted(hub: FakeHub, dataset: Path) -> None:
    old = {"data/train-00000-of-00001.parquet": b"old", "figure.png": b"kept"}
    hub.repos[NAME] = FakeRepo({"main": old})
    assert publish(dataset) == 0
    assert hub.repos[NAME].revisions["main"] == contents(dataset) | {"figure.png": b"kept"}
    assert [len(added) for added, _ in hub.repos[NAME].commits] == [FILES + 1]
    assert hub.repos[NAME].commits[0][1] == ["data/train-00000-of-00001.parquet"]


@pytest.mark.parametrize("cuts", [1, 7, 14])
def test_transfers_that_break_off_are_done_again_and_no_others(
    hub: FakeHub, dataset: Path, cuts: int, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.cut_uploads = cuts
    assert publish(dataset) == 0
    assert hub.repos[NAME].revisions["main"] == contents(dataset)
    assert len(hub.repos[NAME].commits) == 1
    size = {oid(path): path.stat().st_size for path in (dataset / "data").iterdir()}
    again = sum(hub.received[key] - size[key] for key in size)
    assert 0 < again <= cuts * max(size.values())
    assert f"{FILES + 1} of {FILES + 1} files" in capsys.readouterr().out


def test_a_hub_that_takes_nothing_for_long_ends_the_push_without_a_commit_and_the_next_push_is_whole(
    hub: FakeHub, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.cut_uploads = 10_000
    with pytest.raises(UserError, match="did not take the dataset") as caught:
        publish(dataset)
    assert "goes on" in str(caught.value)
    assert TOKEN not in str(caught.value) + capsys.readouterr().out
    assert hub.repos[NAME].commits == []
    hub.cut_uploads = 0
    assert publish(dataset) == 0
    assert hub.repos[NAME].revisions["main"] == contents(dataset)


def test_a_killed_push_goes_on_with_what_had_not_arrived(hub: FakeHub, dataset: Path) -> None:
    hub.stop_after = 12
    command = [
        sys.executable,
        str(SCRIPT),
        f"--dataset={dataset}",
        f"--repo={REPO}",
        f"--output={dataset.parent / 'receipt'}",
    ]
    process = subprocess.Popen(command, env=os.environ | {"HF_HUB_DISABLE_XET": "1"}, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(hub.objects) < 12 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    arrived = set(hub.objects)
    assert 12 <= len(arrived) < FILES
    assert hub.repos[NAME].revisions["main"] == {}
    hub.stop_after = None
    hub.go_on.set()
    time.sleep(0.1)
    hub.received.clear()
    assert publish(dataset) == 0
    assert not arrived & set(hub.received)
    assert hub.repos[NAME].revisions["main"] == contents(dataset)
    assert len(hub.repos[NAME].commits) == 1


def test_a_commit_whose_answer_was_lost_is_not_made_twice(hub: FakeHub, dataset: Path) -> None:
    hub.lose_commit_answers = 1
    with pytest.raises(UserError, match="did not take"):
        publish(dataset)
    assert publish(dataset) == 0
    assert len(hub.repos[NAME].commits) == 1
    assert (dataset.parent / "receipt.json").exists()


def test_of_a_dataset_that_changed_only_what_is_new_is_sent(hub: FakeHub, dataset: Path) -> None:
    assert publish(dataset) == 0
    changed = dataset / f"data/train-00003-of-{FILES:05d}.parquet"
    changed.write_bytes(b"other rows " * 999)
    hub.received.clear()
    assert publish(dataset) == 0
    assert set(hub.received) == {oid(changed)}
    assert hub.repos[NAME].commits[1][0] == [changed.relative_to(dataset).as_posix()]


def test_what_the_hub_refuses_is_not_tried_again(hub: FakeHub, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[int] = []

    def refuse(handler: object, _: object) -> None:
        refused.append(1)
        handler._fail(403, "Forbidden")  # type: ignore[attr-defined]

    monkeypatch.setattr(hub._server.RequestHandlerClass, "_offer_uploads", refuse)
    with pytest.raises(UserError, match="did not take"):
        publish(dataset)
    assert len(refused) == 1
