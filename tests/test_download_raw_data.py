from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import download_raw_data
import prepare_raw_data
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_hub import FakeHub, FakeRepo
from omr.errors import UserError


def parquet_of(post: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"original_question": [post], "original_answers": [["an answer"]]}), buffer)
    return buffer.getvalue()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    files = {f"all/train-0000{number}-of-00002.parquet": parquet_of(f"post {number}") for number in range(2)}
    with FakeHub({"datasets/owner/threads": FakeRepo({"main": files})}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def download(folder: Path, *options: str) -> Path:
    manifest = folder / "manifest.json"
    arguments = ["--dataset=owner/threads", "--config=all", f"--folder={folder / 'files'}", f"--manifest={manifest}"]
    assert download_raw_data.main([*arguments, *options]) == 0
    return manifest


def test_the_manifest_says_what_was_downloaded_from_which_commit(hub: FakeHub, tmp_path: Path) -> None:
    repo = hub.repos["datasets/owner/threads"]
    manifest = json.loads(download(tmp_path, "--revision=main").read_text())
    files = manifest.pop("files")
    assert manifest == {
        "dataset": "owner/threads", "config": "all", "split": "train", "revision": "main", "sha": repo.commit("main"),
    }  # fmt: skip
    names = sorted(repo.revisions["main"])
    assert [file["path"] for file in files] == [f"files/{name}" for name in names]
    for file, name in zip(files, names, strict=True):
        content = repo.revisions["main"][name]
        assert (tmp_path / file["path"]).read_bytes() == content
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_manifest_is_an_input_of_the_next_step_from_wherever_it_is_moved_to(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    download(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    outputs = [f"--{name}={tmp_path / name}" for name in ("output", "dropped", "counts")]
    assert prepare_raw_data.main(["--input", str(tmp_path / "after" / "manifest.json"), *outputs]) == 0
    posts = [json.loads(line)["forum_post"] for line in (tmp_path / "output").read_text().splitlines()]
    assert posts == ["post 0", "post 1"]


def test_a_folder_reached_through_a_link_works(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "deep")
    manifest = download(tmp_path / "link")
    paths = [file["path"] for file in json.loads(manifest.read_text())["files"]]
    assert all((manifest.parent / path).is_file() for path in paths)


def test_files_elsewhere_are_named_by_their_whole_path(hub: FakeHub, tmp_path: Path) -> None:
    manifest = download(tmp_path / "here", f"--folder={tmp_path / 'there'}")
    paths = [Path(file["path"]) for file in json.loads(manifest.read_text())["files"]]
    assert all(path.is_absolute() and path.is_file() for path in paths)


def test_a_second_run_downloads_nothing_again(hub: FakeHub, tmp_path: Path) -> None:
    first = download(tmp_path).read_bytes()
    downloads = len(hub.downloads())
    assert download(tmp_path).read_bytes() == first
    assert len(hub.downloads()) == downloads


def test_a_download_that_fails_leaves_no_manifest_and_the_next_one_ends_it(hub: FakeHub, tmp_path: Path) -> None:
    hub.withheld = {"all/train-00001-of-00002.parquet"}
    with pytest.raises(UserError):
        download(tmp_path)
    assert not (tmp_path / "manifest.json").exists()
    hub.withheld = set()
    assert len(json.loads(download(tmp_path).read_text())["files"]) == 2


@pytest.mark.parametrize("option", ["--dataset=owner/unknown", "--config=none", "--split=none", "--revision=none"])
def test_an_unknown_name_is_an_error_with_a_remedy(hub: FakeHub, tmp_path: Path, option: str) -> None:
    with pytest.raises(UserError) as caught:
        download(tmp_path, option)
    assert "none" in caught.value.what or "unknown" in caught.value.what
    assert caught.value.remedy
