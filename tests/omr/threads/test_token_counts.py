from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omr.errors import UserError
from omr.threads.token_counts import UNBOUNDED, ByteCounter, TokenizerCounter
from small_tokenizer import save_tokenizer
from tokenizers import normalizers


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> TokenizerCounter:
    return TokenizerCounter(save_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


@given(st.text(st.characters(codec="utf-8")))
# One character of four bytes that NFC turns into three of them.
@example("\U0001d1c0" * 20)
@settings(max_examples=100, deadline=None)
def test_a_byte_level_tokenizer_never_exceeds_the_bound(counter: TokenizerCounter, text: str) -> None:
    assert counter.count([text])[0] <= counter.at_most(text)


def test_normalisation_can_make_more_tokens_than_bytes(counter: TokenizerCounter) -> None:
    text = "\U0001d1c0" * 20
    assert counter.count([text])[0] > len(text.encode())


@pytest.mark.parametrize(
    "options", [{"normalizer": normalizers.NFKC()}, {"normalizer": normalizers.Prepend("x")}, {"prefix_space": True}]
)
def test_a_tokenizer_that_may_lengthen_the_text_has_no_bound(tmp_path: Path, options: dict[str, Any]) -> None:
    assert TokenizerCounter(save_tokenizer(tmp_path / "t.json", **options)).at_most("a") == UNBOUNDED


def test_a_tokenizer_of_another_kind_has_no_bound(tmp_path: Path) -> None:
    content = json.loads(save_tokenizer(tmp_path / "t.json").read_text())
    content["model"] = {"type": "WordLevel", "vocab": {"a": 0, "?": 1}, "unk_token": "?"}
    (tmp_path / "t.json").write_text(json.dumps(content))
    assert TokenizerCounter(tmp_path / "t.json").at_most("a") == UNBOUNDED


def test_truncation_and_padding_in_the_file_do_not_change_the_counts(tmp_path: Path, counter: TokenizerCounter) -> None:
    content = json.loads(save_tokenizer(tmp_path / "t.json").read_text())
    content["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    content["padding"] = {
        "strategy": {"Fixed": 50}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "x",
    }  # fmt: skip
    (tmp_path / "t.json").write_text(json.dumps(content))
    texts = ["one two three four five six", "seven"]
    assert TokenizerCounter(tmp_path / "t.json").count(texts) == counter.count(texts)


def test_bytes_stand_in_for_tokens() -> None:
    assert ByteCounter().count(["ab", "é", ""]) == [2, 2, 0]


@pytest.mark.parametrize("content", ["", "{}", "no JSON"])
def test_a_file_that_is_no_tokenizer_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(UserError, match=r"not a tokenizer\.json"):
        TokenizerCounter(tmp_path / "t.json")
