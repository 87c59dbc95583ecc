"""Control tokens in rows arrive as text."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omr.asking.special_tokens import SpecialTokens
from omr.asking.tokens import load_tokenizer
from omr.errors import UserError
from small_tokenizer import save_tokenizer

SPELLINGS = ["<|im_end|>", "<|endoftext|>", "<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<|channel>", "<turn|>"]
NAMED = ["<s>", "</s>", "[INST]", "[/INST]", "<bos>", "<unk>", "<|im_start|>"]


@pytest.fixture(scope="module")
def tokenizer_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer with the special tokens of several families."""
    path: Path = save_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json")
    tokenizer = load_tokenizer(path)
    tokenizer.add_special_tokens([*SPELLINGS, *NAMED, "a", "\n\n"])
    tokenizer.save(str(path))
    return path


@pytest.mark.parametrize("token", SPELLINGS)
def test_what_looks_like_a_control_token_gets_a_blank_behind_its_first_sign(token: str) -> None:
    text, count = SpecialTokens().as_text(f"before{token}user\nafter {token}")
    assert text == f"before< {token[1:]}user\nafter < {token[1:]}"
    assert count == 2


@pytest.mark.parametrize(
    "text",
    ["Let $a<|x|$ and $|y|>b$.", "<b>bold</b>", "a < |b| > c", "<|>", "x|>", "if |a|<|b|, then", "< |im_end|>", "<s>"],
)
def test_mathematics_and_other_text_stay_as_they_are(text: str) -> None:
    assert SpecialTokens().as_text(text) == (text, 0)


def test_what_a_tokenizer_names_as_special_is_treated_but_words_and_blanks(tokenizer_path: Path) -> None:
    special = SpecialTokens.of_tokenizer(str(tokenizer_path))
    text, count = special.as_text("[INST]a word[/INST]\n\n</s><s>")
    assert (text, count) == ("[ INST]a word[ /INST]\n\n< /s>< s>", 4)


@pytest.mark.parametrize(
    ("text", "treated"),
    [("<|[INST]>", "< |[ INST]>"), ("[INST<s>]", "[INST< s>]"), ("<|<s>|>", "<|< s>|>"), ("<|a<|b|>", "<|a< |b|>")],
)
def test_a_token_within_another_is_treated_as_well(tokenizer_path: Path, text: str, treated: str) -> None:
    assert SpecialTokens.of_tokenizer(str(tokenizer_path)).as_text(text)[0] == treated


@settings(max_examples=300, deadline=None)
@example(text="<|[INST]>")
@given(
    text=st.lists(st.sampled_from([*SPELLINGS, *NAMED, "<", "|", ">", "[", "]", "/", "s", "INST", " "])).map("".join)
)
def test_no_text_of_a_row_holds_a_control_token_for_the_tokenizer(tokenizer_path: Path, text: str) -> None:
    special, tokenizer = SpecialTokens.of_tokenizer(str(tokenizer_path)), load_tokenizer(tokenizer_path)
    tokens = {tokenizer.token_to_id(token) for token in [*SPELLINGS, *NAMED]}
    ids = tokenizer.encode(special.as_text(text)[0], add_special_tokens=False).ids
    assert not tokens & set(ids)


def test_only_the_fields_that_are_asked_for_are_treated() -> None:
    row = {"id": "<|a|>", "problem": "<|a|>", "posts": ["<|b|>"], "none": None}
    treated, count = SpecialTokens().row_as_text(row, ["problem", "posts", "none", "absent"])
    assert treated == row | {"problem": "< |a|>", "posts": "['< |b|>']"}
    assert count == 2


@pytest.mark.parametrize("content", [b"no json", b"[]", orjson.dumps({"added_tokens": [{"special": True}]})])
def test_a_file_that_names_no_tokens_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"no special tokens can be read"):
        SpecialTokens.of_tokenizer(str(path))


def test_a_tokenizer_without_tokens_of_its_own_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(b"{}")
    assert SpecialTokens.of_tokenizer(str(path)).as_text("<|a|>") == ("< |a|>", 1)


def test_without_a_tokenizer_in_config_the_checkpoints_own_names_them(tokenizer_path: Path) -> None:
    assert SpecialTokens.of_model(None, str(tokenizer_path.parent)).as_text("<s>") == ("< s>", 1)
    assert SpecialTokens.of_model(None, "owner/model").as_text("<s>") == ("<s>", 0)
    assert SpecialTokens.of_model(str(tokenizer_path), "owner/model").as_text("<s>") == ("< s>", 1)
