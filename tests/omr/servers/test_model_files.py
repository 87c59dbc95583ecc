"""A model's files on disk: manifests, whether the files are whole, and what the server is told to load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from omr.errors import UserError
from omr.models.model import ModelSpec
from omr.servers.model_files import ModelFiles, StoredFile, read_manifest, served_from, write_manifest

SPEC = ModelSpec("m", "org/model", "vllm", gpus=8, args=("--extra",))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "at" / "files"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    (folder / "w.safetensors").write_bytes(b"weights")
    files = StoredFile("config.json", 2), StoredFile("w.safetensors", 7, "ab")
    write_manifest(tmp_path / "at/manifest.json", ModelFiles("org/model", "main", "c0ffee", folder, files))
    return tmp_path / "at/manifest.json"


def sharded(manifest: Path, tensor: int, pipeline: int = 1, expert: int = 1) -> Path:
    model = read_manifest(manifest)._replace(
        load_format="sharded_state",
        tensor_parallel_size=tensor,
        pipeline_parallel_size=pipeline,
        expert_parallel_size=expert,
        server_version="0.32.0",
    )
    write_manifest(manifest, model)
    return manifest


def test_a_manifest_reads_as_it_was_written(manifest: Path) -> None:
    model = read_manifest(sharded(manifest, 8))
    assert (model.repo, model.sha, model.size, model.server_version) == ("org/model", "c0ffee", 9, "0.32.0")
    assert model.files[1] == StoredFile("w.safetensors", 7, "ab")


def test_a_folder_beside_its_manifest_may_move_with_it(manifest: Path, tmp_path: Path) -> None:
    manifest.parent.rename(tmp_path / "elsewhere")
    assert read_manifest(tmp_path / "elsewhere/manifest.json").folder == tmp_path / "elsewhere/files"


def test_the_server_is_told_of_the_folder_and_the_replies_of_the_hubs_model(manifest: Path) -> None:
    served = served_from(SPEC, manifest)
    assert served.path == str(manifest.parent / "files")
    assert (served.name, served.args) == ("m", ("--extra",))


def test_a_sharded_checkpoint_is_loaded_as_one(manifest: Path) -> None:
    assert served_from(SPEC, sharded(manifest, 8)).args == ("--load-format", "sharded_state", "--extra")


@pytest.mark.parametrize("sizes", [(4, 1, 1), (8, 2, 1), (8, 1, 8)])
def test_a_checkpoint_sharded_for_other_sizes_is_refused(manifest: Path, sizes: tuple[int, int, int]) -> None:
    with pytest.raises(UserError, match="is served with") as caught:
        served_from(SPEC, sharded(manifest, *sizes))
    assert f"was saved for tensor, pipeline and expert parallel sizes {sizes}" in caught.value.what
    assert "(8, 1, 1)" in caught.value.what


def test_another_models_files_are_refused(manifest: Path) -> None:
    with pytest.raises(UserError, match="holds org/model at main, but the model 'm' is org/other at main"):
        served_from(replace(SPEC, path="org/other"), manifest)


def test_the_same_models_files_of_another_revision_are_refused(manifest: Path) -> None:
    with pytest.raises(UserError, match="holds org/model at main, but the model 'm' is org/model at abc"):
        served_from(replace(SPEC, revision="abc"), manifest)


def test_a_file_that_is_gone_is_named_before_a_server_starts(manifest: Path) -> None:
    (manifest.parent / "files/w.safetensors").unlink()
    with pytest.raises(UserError, match="is gone") as caught:
        served_from(SPEC, manifest)
    assert caught.value.file == manifest.parent / "files/w.safetensors"


def test_a_file_that_was_cut_off_is_named_with_its_sizes(manifest: Path) -> None:
    (manifest.parent / "files/w.safetensors").write_bytes(b"wei")
    with pytest.raises(UserError, match="has 3 bytes instead of 7"):
        served_from(SPEC, manifest)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"files": [{}]}', orjson.dumps({"files": [], "folder": "f", "odd": 1})]
)
def test_what_is_no_manifest_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(UserError, match="not the manifest of a model") as caught:
        read_manifest(tmp_path / "manifest.json")
    assert "snakemake models" in (caught.value.remedy or "")
