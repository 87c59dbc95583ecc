from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import download_tokenizer
import pytest
from fake_hub import FakeHub, FakeRepo
from omr.asking.tokens import load_tokenizer
from omr.errors import UserError
from small_tokenizer import save_tokenizer


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    tokenizer = save_tokenizer(tmp_path / "trained.json").read_bytes()
    revisions = {"main": {"tokenizer.json": b"{}"}, "good": {"tokenizer.json": tokenizer}, "none": {"config.json": b""}}
    with FakeHub({"models/owner/model": FakeRepo(revisions)}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def download(folder: Path, revision: str) -> Path:
    output = folder / "tokenizer.json"
    arguments = ["--model=owner/model", f"--revision={revision}", f"--output={output}"]
    assert download_tokenizer.main(arguments) == 0
    return output


def test_the_tokenizer_of_a_revision_arrives_and_loads(hub: FakeHub, tmp_path: Path) -> None:
    output = download(tmp_path, "good")
    assert output.read_bytes() == hub.repos["models/owner/model"].revisions["good"]["tokenizer.json"]
    assert load_tokenizer(output).get_vocab_size() > 256


@pytest.mark.parametrize(
    ("revision", "message"),
    [("main", r"not a tokenizer\.json"), ("none", "has no file 'tokenizer.json'"), ("v9", "has no revision 'v9'")],
)
def test_what_is_no_tokenizer_is_an_error_and_leaves_no_file(
    hub: FakeHub, tmp_path: Path, revision: str, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        download(tmp_path, revision)
    assert caught.value.remedy
    assert not (tmp_path / "tokenizer.json").exists()
