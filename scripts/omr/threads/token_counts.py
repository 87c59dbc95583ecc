"""How many tokens a text has: by a tokenizer, or by its bytes as an upper bound."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

# NFC, which the tokenizers of the Qwen family apply first, replaces some characters by longer sequences: at most three
# times the bytes (the Unicode standard, annex 15, gives this bound for UTF-8). It leaves ASCII as it is.
_NFC_GROWTH = 3


#: Stands for "no bound": more than any text has.
UNBOUNDED = 1 << 60


class TokenCounter(Protocol):
    """Counts tokens; `name` says by what, for reports."""

    name: str

    def at_most(self, text: str) -> int:
        """An upper bound on the tokens of a text that costs next to nothing; UNBOUNDED if there is none."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text."""


class ByteCounter:
    """Takes UTF-8 bytes for tokens: never fewer than a byte-level tokenizer finds in normalised text."""

    name = "utf8_bytes"

    def at_most(self, text: str) -> int:
        return len(text.encode())

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.encode()) for text in texts]


class TokenizerCounter:
    """Counts with a tokenizer.json; texts whose bytes settle the matter need not be tokenised."""

    name = "tokenizer"

    def __init__(self, path: str | Path) -> None:
        """Load the tokenizer. Raises UserError if it cannot be read."""
        # Processes are the unit of parallel work here; threads of the tokenizer would only compete with them, and a
        # process that has used them must not fork.
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        from omr.asking.tokens import load_tokenizer

        self._tokenizer = load_tokenizer(Path(path))
        # A tokenizer file may ask for truncation or padding, which would falsify the counts.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._bytes_bound = _bytes_bound_tokens(orjson.loads(self._tokenizer.to_str()))

    def at_most(self, text: str) -> int:
        if not self._bytes_bound:
            return UNBOUNDED
        return len(text) if text.isascii() else _NFC_GROWTH * len(text.encode())

    def count(self, texts: Sequence[str]) -> list[int]:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]


def _bytes_bound_tokens(tokenizer: dict[str, Any]) -> bool:
    """Whether a tokenizer never makes more tokens than a text has bytes (after NFC): so for a byte-level BPE.

    A token of such a tokenizer stands for at least one byte. Any other normaliser may lengthen the text, a prefix space
    adds a token, and other models fall back to tokens for what is no byte: for those the answer is no.
    """
    normalizer = tokenizer.get("normalizer")
    steps = _steps(tokenizer.get("pre_tokenizer"), "pretokenizers")
    byte_level = [step for step in steps if step["type"] == "ByteLevel"]
    return (
        tokenizer["model"]["type"] == "BPE"
        and all(step["type"] == "NFC" for step in _steps(normalizer, "normalizers"))
        and len(byte_level) == 1
        and not byte_level[0].get("add_prefix_space")
        and all(step["type"] in ("ByteLevel", "Split", "Digits", "Punctuation") for step in steps)
    )


def _steps(component: dict[str, Any] | None, key: str) -> list[dict[str, Any]]:
    if component is None:
        return []
    return component[key] if component["type"] == "Sequence" else [component]
