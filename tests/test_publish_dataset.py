from __future__ import annotations

import inspect
import json
import socket
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import publish_dataset
import pytest
from omr.config.files import read_config
from omr.config.products import Products
from omr.config.recipes import Recipes
from omr.config.settings import Settings
from omr.errors import UserError

ROOT = Path(__file__).parents[1]
TOKEN = "hf_secret"
DATA = "data/train-00000-of-00001.parquet"


#: The library's own client, whose signatures the fake holds its callers to.
REAL = huggingface_hub.HfApi


@dataclass
class Hub:
    """Stands for the hub library's client: one repository, and what was asked of it."""

    exists_as_public: bool = False
    files: tuple[str, ...] = ()
    fault: Exception | None = None
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, **options: Any) -> Hub:
        inspect.signature(REAL).bind(**options)
        self.calls.append(("client", options))
        return self

    def create_repo(self, repo_id: str, **options: Any) -> None:
        inspect.signature(REAL.create_repo).bind(self, repo_id, **options)
        self.calls.append(("create_repo", {"repo_id": repo_id, **options}))

    def repo_info(self, repo_id: str, **options: Any) -> Any:
        inspect.signature(REAL.repo_info).bind(self, repo_id, **options)
        return SimpleNamespace(private=not self.exists_as_public)

    def list_repo_files(self, repo_id: str, **options: Any) -> list[str]:
        inspect.signature(REAL.list_repo_files).bind(self, repo_id, **options)
        return list(self.files)

    def preupload_lfs_files(self, repo_id: str, additions: list[Any], **options: Any) -> None:
        inspect.signature(REAL.preupload_lfs_files).bind(self, repo_id, additions, **options)
        self.calls.append(("preupload_lfs_files", {"repo_id": repo_id, "additions": additions, **options}))

    def create_commit(self, repo_id: str, operations: list[Any], **options: Any) -> Any:
        inspect.signature(REAL.create_commit).bind(self, repo_id, operations, **options)
        self.calls.append(("create_commit", {"repo_id": repo_id, "operations": operations, **options}))
        if self.fault is not None:
            raise self.fault
        return SimpleNamespace(commit_url="https://hub.test/commit/1")

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    fake = Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", fake)
    monkeypatch.setenv("SOME_TOKEN", TOKEN)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return fake


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "dataset"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n\n# A title\n" + "line\n" * 100)
    (folder / DATA).write_bytes(b"12345")
    (folder / ".snakemake_timestamp").touch()
    return folder


def publish(dataset: Path, *options: str) -> Path:
    receipt = dataset.parent / "receipt"
    assert publish_dataset.main([f"--dataset={dataset}", f"--output={receipt}", *options]) == 0
    return receipt


def test_one_commit_to_a_private_repository_and_a_receipt(hub: Hub, dataset: Path) -> None:
    receipt = json.loads(publish(dataset, "--repo=me/data", "--token-env=SOME_TOKEN").read_text())
    assert hub.names == ["client", "create_repo", "preupload_lfs_files", "create_commit"]
    calls = dict(hub.calls)
    assert calls["client"]["token"] == TOKEN
    assert calls["create_repo"] == {"repo_id": "me/data", "repo_type": "dataset", "private": True, "exist_ok": True}
    sent = calls["create_commit"]
    assert (sent["repo_id"], sent["repo_type"]) == ("me/data", "dataset")
    assert {operation.path_in_repo: Path(operation.path_or_fileobj) for operation in sent["operations"]} == {
        name: dataset / name for name in ("README.md", DATA)
    }
    assert receipt["commit"] == "https://hub.test/commit/1"
    assert receipt["files"][1] == {"path": DATA, "size": 5}


def test_the_same_commit_deletes_older_parquet_files_and_nothing_else(hub: Hub, dataset: Path) -> None:
    others = ("backup/data/mine.parquet", "data/own/mine.parquet")
    hub.files = (".gitattributes", "README.md", "figure.png", *others, DATA, "data/train-00001-of-00002.parquet")
    publish(dataset, "--repo=me/data", "--token-env=SOME_TOKEN")
    operations = dict(hub.calls)["create_commit"]["operations"]
    deleted = [one.path_in_repo for one in operations if isinstance(one, huggingface_hub.CommitOperationDelete)]
    assert deleted == ["data/train-00001-of-00002.parquet"]
    assert len(operations) == 3


def test_a_dry_run_says_what_would_be_sent_and_needs_neither_token_nor_hub(
    hub: Hub, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = publish(dataset, "--repo=me/data", "--dry-run", "--token-env=NO_SUCH_VARIABLE").read_text()
    assert hub.calls == []
    assert capsys.readouterr().out == plan
    for part in ("me/data", "private", "README.md", DATA, "license: mit", "# A title"):
        assert part in plan
    assert ".snakemake_timestamp" not in plan
    assert len(plan.splitlines()) < 60


def test_without_a_token_nothing_is_asked_of_the_hub(hub: Hub, dataset: Path) -> None:
    with pytest.raises(UserError, match="HF_TOKEN is not set"):
        publish(dataset, "--repo=me/data")
    assert hub.calls == []
    assert not (dataset.parent / "receipt").exists()


def test_without_a_repository_nothing_is_asked_of_the_hub(hub: Hub, dataset: Path) -> None:
    with pytest.raises(UserError, match="no repository is named"):
        publish(dataset, "--token-env=SOME_TOKEN")
    assert hub.calls == []


@pytest.mark.parametrize("missing", ["README.md", DATA])
def test_a_folder_without_card_or_rows_is_not_sent(hub: Hub, dataset: Path, missing: str) -> None:
    (dataset / missing).unlink()
    with pytest.raises(UserError, match="no dataset folder"):
        publish(dataset, "--repo=me/data", "--token-env=SOME_TOKEN")
    assert hub.calls == []


def test_a_private_dataset_never_goes_to_a_repository_that_is_public(hub: Hub, dataset: Path) -> None:
    hub.exists_as_public = True
    with pytest.raises(UserError, match="exists and is public"):
        publish(dataset, "--repo=me/data", "--token-env=SOME_TOKEN")
    assert "create_commit" not in hub.names
    publish(dataset, "--repo=me/data", "--token-env=SOME_TOKEN", "--public")
    assert "create_commit" in hub.names


def test_no_message_holds_the_token(hub: Hub, dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.fault = ConnectionError(f"refused with Authorization: Bearer {TOKEN}")
    with pytest.raises(UserError, match="the hub did not take the dataset for me/data") as caught:
        publish(dataset, "--repo=me/data", "--token-env=SOME_TOKEN")
    assert TOKEN not in str(caught.value)
    hub.fault = None
    receipt = publish(dataset, "--repo=me/data", "--token-env=SOME_TOKEN")
    assert TOKEN not in receipt.read_text() + capsys.readouterr().out
    assert TOKEN not in "".join(path.read_text() for path in dataset.rglob("*") if path.is_file())


def test_a_hub_that_cannot_be_reached_is_an_error_that_says_so(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        # Bound, but nobody listens: the connection is refused.
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("SOME_TOKEN", TOKEN)
        with pytest.raises(UserError, match="did not take the dataset for me/data: ConnectError") as caught:
            publish(dataset, "--repo=me/data", "--token-env=SOME_TOKEN")
    assert TOKEN not in str(caught.value)


def products(repo: str | None, *names: str) -> Products:
    config = read_config(ROOT / "config" / f"{name}.yaml" for name in ("config", "models", "benchmarks"))
    config["recipes"] = dict.fromkeys(names, config["recipes"]["cot-qwq"])
    config["recipes_to_run"] = list(names)
    config["publish"] |= {"repo": repo, "token_env": "SOME_TOKEN"}
    settings = Settings(config)
    return Products(settings, Recipes(settings))


def test_two_recipes_never_share_a_repository() -> None:
    with pytest.raises(UserError, match="for 2 recipes"):
        products("me/data", "one", "two")
    made = products("me/data-{recipe}", "one", "two")
    assert made.repo_flags(SimpleNamespace(run="demo", recipe="two")) == "--repo me/data-two"


def test_missing_token_and_repository_are_found_before_the_first_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_TOKEN", raising=False)
    with pytest.raises(UserError, match="SOME_TOKEN is not set"):
        products("me/data", "one").published(None)
    monkeypatch.setenv("SOME_TOKEN", TOKEN)
    assert products("me/data", "one").published(None) == ["results/full/one/published.json"]
    with pytest.raises(UserError, match="no repository is named"):
        products(None, "one").published(None)
