"""Prompts that a server cut without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omr.asking.cut_prompts import fewest_tokens, tokens_cut_off
from omr.asking.tokens import load_tokenizer
from small_tokenizer import save_tokenizer

PROSE = "Let $f$ be a function with f(x + 1) = f(x) for all real x. Show that it isn't monotone. " * 100


def asked(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("text", ["word " * 20_000, PROSE, "x1 = 22; " * 2000])
def test_a_prompt_of_which_a_server_read_a_quarter_is_noticed(text: str) -> None:
    whole = fewest_tokens(text)
    assert tokens_cut_off(asked(text), {"prompt_tokens": whole // 4}) == (whole // 4, whole)


def test_a_prompt_that_is_a_little_too_long_is_noticed() -> None:
    text = "Let us see why this is so. " * 750  # 5,250 words
    assert tokens_cut_off(asked(text), {"prompt_tokens": 4095}) == (4095, 4987)
    assert tokens_cut_off(asked(text), {"prompt_tokens": 5100}) is None


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0}, {"prompt_tokens": None}, {"prompt_tokens": True}])
def test_without_a_count_nothing_is_said(usage: dict[str, object] | None) -> None:
    assert tokens_cut_off(asked(PROSE), usage) is None


@pytest.mark.parametrize(
    "cached",
    [{"prompt_tokens_details": {"cached_tokens": 3000}}, {"cache_read_input_tokens": 3000}],
)
def test_what_a_server_had_in_its_cache_counts_as_read(cached: dict[str, object]) -> None:
    assert tokens_cut_off(asked(PROSE), {"prompt_tokens": 20} | cached) is None


def test_a_short_prompt_and_a_text_without_spaces_are_left_alone() -> None:
    assert tokens_cut_off(asked("word " * 100), {"prompt_tokens": 5}) is None
    assert tokens_cut_off(asked("求" * 5000), {"prompt_tokens": 700}) is None


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    return load_tokenizer(save_tokenizer(path))


@settings(max_examples=200, deadline=None)
@given(
    text=st.text()
    | st.lists(st.sampled_from(["the", "12", "isn't", "_", "é", "\u0939\u093f", "-", " ", "A"])).map("".join)
)
def test_no_text_has_fewer_tokens_than_that(tokenizer: Any, text: str) -> None:
    assert fewest_tokens(text) <= len(tokenizer.encode(text, add_special_tokens=False))
