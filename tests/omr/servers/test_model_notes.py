"""Notes of models: files may move, another commit is another model."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from omr.errors import UserError
from omr.servers.model_files import ModelFiles, StoredFile, write_manifest
from omr.servers.model_notes import noted_manifest, write_note


def manifest(folder: Path, sha: str | None = "c0ffee", weights: int = 7, readme: int = 1) -> Path:
    files = StoredFile("model.safetensors", weights), StoredFile("README.md", readme)
    write_manifest(folder / "manifest.json", ModelFiles("org/m", None, sha, folder / "files", files))
    return folder / "manifest.json"


def noted(note: Path, path: Path | None, revision: str | None = None) -> Path | None:
    write_note(note, "org/m", revision, path)
    return noted_manifest(note)


def test_a_model_that_moved_or_is_prepared_otherwise_is_the_same(tmp_path: Path) -> None:
    note, here, there = tmp_path / "note.json", manifest(tmp_path / "here"), manifest(tmp_path / "there", weights=9)
    assert noted(note, here) == here
    assert noted(note, there) == there  # in shards its files are others, and its commit is the same
    assert noted(note, None) is None
    assert noted(note, here) == here
    # A commit that changed what is written about the model.
    assert noted(note, manifest(tmp_path / "here", sha="decade", readme=2)) == here


def test_another_commit_under_the_same_name_is_refused_whatever_came_between(tmp_path: Path) -> None:
    note, here, other = tmp_path / "note.json", manifest(tmp_path / "here"), manifest(tmp_path / "b", "decade", 8)
    write_note(note, "org/m", None, here)
    write_note(note, "org/m", None, None)
    with pytest.raises(UserError, match="commit decade of org/m, but this run has asked c0ffee so far") as caught:
        write_note(note, "org/m", None, other)
    assert str(other) in str(caught.value)
    assert orjson.loads(note.read_bytes())["sha"] == "c0ffee"
    # One that config names is asked by that name.
    assert noted(note, other, revision="decade") == other


@pytest.mark.parametrize("content", [b"", b"null", b"{torn", b'{"repo": "org/m"}'])
def test_what_is_no_note_is_taken_for_a_manifest_and_replaced(tmp_path: Path, content: bytes) -> None:
    note = tmp_path / "note.json"
    note.write_bytes(content)
    assert noted_manifest(note) == note
    path = manifest(tmp_path / "here")
    assert noted(note, path) == path
