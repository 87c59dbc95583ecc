"""A byte-level tokenizer of a few hundred tokens, trained on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

_TEXTS = (
    "Let the sum of the angles be equal to the sum of the sides. " * 20,
    "Post 1:\nthe answer is 12\n\nPost 2:\n" * 20,
)


def save_tokenizer(path: Path, normalizer: Any = None, *, prefix_space: bool = False) -> Path:
    """Train and save one; `normalizer` defaults to NFC, as in the Qwen family."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC() if normalizer is None else normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_TEXTS, trainer)
    tokenizer.save(str(path))
    return path
