"""Checkpoints from a hub over real HTTP: what is fetched, what is checked, and what survives a broken run."""

from __future__ import annotations

import hashlib
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import download_model
import pytest
from fake_hub import FakeHub, FakeRepo
from omr.errors import UserError
from omr.servers.model_files import read_manifest

CHECKPOINT = {
    "config.json": b"{}",
    "model-00001-of-00002.safetensors": b"first" * 100,
    "model-00002-of-00002.safetensors": b"second" * 100,
    "tokenizer.json": b"{}",
    "modeling_own.py": b"pass",
}
BESIDE = {
    "pytorch_model.bin": b"again",
    "original/consolidated.00.pth": b"again",
    "onnx/model.onnx": b"again",
    "original/model.safetensors": b"again",
    "figures/benchmark.jpg": b"picture",
    ".gitattributes": b"",
}
REPO = "models/owner/model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with FakeHub({REPO: FakeRepo({"main": CHECKPOINT | BESIDE, "old": {"config.json": b"{}"}})}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def download(folder: Path, revision: str = "main") -> Path:
    manifest = folder / "manifest.json"
    arguments = ["--model=owner/model", f"--revision={revision}", f"--folder={folder / 'files'}"]
    assert download_model.main([*arguments, f"--manifest={manifest}"]) == 0
    return manifest


def test_the_checkpoint_arrives_without_its_copies_in_other_formats(hub: FakeHub, tmp_path: Path) -> None:
    model = read_manifest(download(tmp_path))
    found = {file.path: (model.folder / file.path).read_bytes() for file in model.files}
    assert found == CHECKPOINT
    assert not any((tmp_path / "files" / name).exists() for name in BESIDE)


def test_the_manifest_names_the_commit_and_what_the_hub_says_of_each_file(hub: FakeHub, tmp_path: Path) -> None:
    model = read_manifest(download(tmp_path))
    assert (model.repo, model.revision, model.sha) == ("owner/model", "main", hub.repos[REPO].commit("main"))
    weights = next(file for file in model.files if file.path == "model-00001-of-00002.safetensors")
    assert (weights.size, weights.sha256) == (500, hashlib.sha256(b"first" * 100).hexdigest())


def test_weights_in_an_older_format_are_taken_where_there_are_no_others(hub: FakeHub, tmp_path: Path) -> None:
    hub.repos[REPO].revisions["main"] = {"config.json": b"{}", "pytorch_model.bin": b"weights"}
    assert [file.path for file in read_manifest(download(tmp_path)).files] == ["config.json", "pytorch_model.bin"]


@pytest.mark.parametrize(
    ("files", "said"),
    [({"README.md": b"-"}, r"has no config\.json"), ({"config.json": b"{}"}, "has no weights")],
)
def test_a_repository_without_a_checkpoint_is_an_error(
    hub: FakeHub, tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    hub.repos[REPO].revisions["main"] = files
    with pytest.raises(UserError, match=said):
        download(tmp_path)
    assert hub.downloads() == []


def test_after_a_failure_only_what_is_missing_is_fetched(hub: FakeHub, tmp_path: Path) -> None:
    hub.withheld = {"tokenizer.json"}
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        download(tmp_path)
    assert not (tmp_path / "manifest.json").exists()
    arrived = {path.name for path in (tmp_path / "files").iterdir() if path.is_file()}
    hub.withheld, hub.requests = set(), []
    download(tmp_path)
    assert {request.rpartition("/")[2] for request in hub.downloads()} == CHECKPOINT.keys() - arrived


def test_a_file_with_other_content_than_announced_is_an_error(hub: FakeHub, tmp_path: Path) -> None:
    manifest = download(tmp_path)
    manifest.unlink()
    damaged = tmp_path / "files/model-00001-of-00002.safetensors"
    damaged.write_bytes(b"F" + damaged.read_bytes()[1:])
    with pytest.raises(UserError, match="SHA-256") as caught:
        download(tmp_path)
    assert caught.value.file == damaged
    assert not manifest.exists()


def test_a_disk_without_room_is_noticed_before_anything_is_fetched(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(1000, 500, 500)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="are free"):
        download(tmp_path)
    assert hub.downloads() == []


def test_a_revision_that_the_hub_does_not_have_is_named(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no revision 'v9'"):
        download(tmp_path, "v9")
