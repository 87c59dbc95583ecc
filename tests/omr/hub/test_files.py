from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import FakeHub, FakeRepo
from omr.errors import UserError
from omr.hub.files import CONVERTED, fetch, find_parquet, hub_file, hub_parquet_files

PARQUET = {"README.md": b"-", "c/train-00000-of-00002.parquet": b"one", "c/train-00001-of-00002.parquet": b"two"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    repos = {
        "datasets/owner/set": FakeRepo({"main": PARQUET, "old": {"c/train.parquet": b"older"}}),
        "datasets/owner/lines": FakeRepo(
            {"main": {"train.jsonl": b"{}"}, "v1": {"train.jsonl": b""}, CONVERTED: {"c/train/0000.parquet": b"made"}}
        ),
        "datasets/owner/bare": FakeRepo({"main": {"train.csv": b"a"}}),
        "datasets/owner/closed": FakeRepo({"main": PARQUET}, gated=True),
        "models/owner/model": FakeRepo({"main": {"tokenizer.json": b"{}"}}),
    }
    with FakeHub(repos) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def contents(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def test_the_files_of_a_config_arrive_in_order(hub: FakeHub, tmp_path: Path) -> None:
    assert contents(hub_parquet_files("owner/set", "c", "train", cache_dir=tmp_path)) == [b"one", b"two"]


def test_a_revision_is_honoured(hub: FakeHub, tmp_path: Path) -> None:
    assert contents(hub_parquet_files("owner/set", "c", "train", "old", cache_dir=tmp_path)) == [b"older"]


def test_the_listing_names_the_commit(hub: FakeHub, tmp_path: Path) -> None:
    assert find_parquet("owner/set", "c", "train", "old").sha == hub.repos["datasets/owner/set"].commit("old")


def test_what_is_in_the_cache_is_not_downloaded_again(hub: FakeHub, tmp_path: Path) -> None:
    for _ in range(2):
        hub_parquet_files("owner/set", "c", "train", cache_dir=tmp_path)
    assert len(hub.downloads()) == 2


def test_a_broken_transfer_continues_where_it_stopped(hub: FakeHub, tmp_path: Path) -> None:
    # The library writes 10 MiB at a time: what came after the last whole piece is asked for again.
    piece = 10 << 20
    data = bytes(range(256)) * (piece // 256) + b"the rest"
    hub.repos["datasets/owner/set"].revisions["main"] = {"c/train.parquet": data}
    hub.cut_after = piece + 4
    assert contents(fetch(find_parquet("owner/set", "c", "train"), folder=tmp_path)) == [data]
    assert hub.downloads()[1].endswith(f"bytes={piece}-")


def test_a_second_run_keeps_the_files_of_the_first(hub: FakeHub, tmp_path: Path) -> None:
    listing = find_parquet("owner/set", "c", "train")
    hub.withheld = {listing.names[1]}
    with pytest.raises(UserError, match=r"has no file 'c/train-00001-of-00002\.parquet'"):
        fetch(listing, folder=tmp_path)
    hub.withheld = set()
    assert contents(fetch(listing, folder=tmp_path)) == [b"one", b"two"]
    assert [request.split("/")[-1] for request in hub.downloads()] == [name.split("/")[-1] for name in listing.names]


def test_a_file_of_another_size_than_announced_is_an_error(hub: FakeHub, tmp_path: Path) -> None:
    listing = find_parquet("owner/set", "c", "train")
    fetch(listing, folder=tmp_path)
    (tmp_path / listing.names[0]).write_bytes(b"on")
    with pytest.raises(UserError, match="has 2 bytes, but the hub announced 3"):
        fetch(listing, folder=tmp_path)


def test_a_dataset_in_another_format_is_taken_from_the_conversion_of_the_hub(hub: FakeHub, tmp_path: Path) -> None:
    assert contents(hub_parquet_files("owner/lines", "c", "train", cache_dir=tmp_path)) == [b"made"]


def test_the_conversion_does_not_stand_in_for_another_revision(hub: FakeHub, tmp_path: Path) -> None:
    converted = hub.repos["datasets/owner/lines"].commit(CONVERTED)
    assert converted is not None
    with pytest.raises(UserError, match=f"pin the conversion itself: revision {converted}"):
        hub_parquet_files("owner/lines", "c", "train", "v1", cache_dir=tmp_path)
    assert contents(hub_parquet_files("owner/lines", "c", "train", converted, cache_dir=tmp_path)) == [b"made"]


def test_a_dataset_without_parquet_files_and_conversion_is_an_error_that_lists_its_files(hub: FakeHub) -> None:
    with pytest.raises(UserError, match=r"has no Parquet files of config 'default', split 'train'.*\n.*train\.csv"):
        find_parquet("owner/bare", None, "train")


@pytest.mark.parametrize(
    ("repo", "revision", "message"),
    [
        ("owner/unknown", None, "knows no repository 'owner/unknown'"),
        ("not a name", None, "knows no repository 'not a name'"),
        ("owner/set", "v9", "has no revision 'v9'"),
        ("owner/closed", None, "has to be asked for"),
    ],
)
def test_what_the_hub_refuses_is_said_with_a_remedy(
    hub: FakeHub, repo: str, revision: str | None, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        find_parquet(repo, "c", "train", revision)
    assert caught.value.remedy


def test_a_missing_file_of_a_model_is_an_error(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"owner/model at main has no file 'tokenizer.model'"):
        hub_file("owner/model", "tokenizer.model", "main", cache_dir=tmp_path)


def test_an_unreachable_hub_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Port 9 is the discard service, which nothing serves here.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="could not deliver owner/set") as caught:
        hub_parquet_files("owner/set", "c", "train", cache_dir=tmp_path)
    assert "HF_ENDPOINT" in str(caught.value.remedy)


def test_offline_the_cache_serves_what_it_has(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    online = hub_parquet_files("owner/set", "c", "train", cache_dir=tmp_path)
    asked = len(hub.requests)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    sha = hub.repos["datasets/owner/set"].commit("main")
    assert hub_parquet_files("owner/set", "c", "train", sha, cache_dir=tmp_path) == online
    with pytest.raises(UserError, match="not in the cache"):
        hub_parquet_files("owner/lines", "c", "train", cache_dir=tmp_path)
    assert len(hub.requests) == asked


def test_offline_an_incomplete_download_is_not_taken_for_the_dataset(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = find_parquet("owner/set", "c", "train")
    fetch(listing.only(listing.names[:1]), cache_dir=tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="has 1 of the 2 files"):
        hub_parquet_files("owner/set", "c", "train", listing.sha, cache_dir=tmp_path)
