"""Notes of models: files may move, another commit is another model."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from omr.errors import UserError
from omr.servers.model_files import ModelFiles, StoredFile, write_manifest
from omr.servers.model_notes import note_model


def manifest(folder: Path, sha: str | None = "c0ffee", weights: int = 7, readme: int = 1, **model: str) -> Path:
    files = StoredFile("model.safetensors", weights), StoredFile("README.md", readme)
    found = ModelFiles("org/m", model.get("revision"), sha, folder / "files", files)
    write_manifest(folder / "manifest.json", found)
    return folder / "manifest.json"


def test_a_model_that_moved_or_is_prepared_otherwise_is_the_same(tmp_path: Path) -> None:
    note = tmp_path / "models/m.json"
    note_model(note, manifest(tmp_path / "here"))
    note_model(note, manifest(tmp_path / "there"))
    note_model(note, manifest(tmp_path / "shards", weights=9))  # its files are others, and its commit is the same
    note_model(note, manifest(tmp_path / "here"))
    # A commit that changed what is written about the model.
    note_model(note, manifest(tmp_path / "here", sha="decade", readme=2))
    note_model(note, manifest(tmp_path / "here", sha=None, weights=8))  # nobody knows which it was


def test_another_commit_under_the_same_name_is_refused_and_one_that_config_names_is_not(tmp_path: Path) -> None:
    note, other = tmp_path / "m.json", manifest(tmp_path / "b", "decade", 8)
    note_model(note, manifest(tmp_path / "a"))
    with pytest.raises(UserError, match="commit decade of org/m, but this run has asked c0ffee so far") as caught:
        note_model(note, other)
    assert str(other) in str(caught.value)
    assert orjson.loads(note.read_bytes())["sha"] == "c0ffee"
    note_model(note, manifest(tmp_path / "b", "decade", 8, revision="decade"))
    assert orjson.loads(note.read_bytes())["sha"] == "decade"


@pytest.mark.parametrize("content", [b"", b"null", b"{torn", b"[]"])
def test_what_is_no_note_is_replaced(tmp_path: Path, content: bytes) -> None:
    note = tmp_path / "m.json"
    note.write_bytes(content)
    note_model(note, manifest(tmp_path / "a"))
    assert orjson.loads(note.read_bytes())["repo"] == "org/m"
