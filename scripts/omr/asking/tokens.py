"""How many completion tokens a request may ask for: `max_tokens = min(wanted, context length - prompt)`.

Servers differ in what they do when the two do not fit (clip silently, refuse), so the client never lets it happen. A
prompt's tokens are never more than the UTF-8 bytes that a byte-level tokenizer sees, so most requests need no count;
where the bound does not settle it, the model's own tokenizer counts. Where no tokenizer is named, room is left for what
a prompt likely has; if the server finds that too much, for the bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omr.errors import UserError
from omr.models.model import ModelSpec

#: Tokens that a chat template adds to each message, and to the whole: an upper bound for the models of the recipe.
_PER_MESSAGE, _PER_PROMPT = 8, 32
#: Rarely do fewer bytes make a token: texts of mathematics have three to four.
_LIKELY_BYTES_PER_TOKEN = 3


class TokenBudget:
    """Completion tokens for the requests to one model, whose limits `spec` states."""

    def __init__(self, spec: ModelSpec, wanted: int) -> None:
        self._context = spec.max_model_len
        self._input_limit = spec.max_input_tokens
        self._wanted = wanted
        self._tokenizer_path = spec.tokenizer
        self._tokenizer: Any = None

    def allowed(self, messages: Sequence[dict[str, str]]) -> tuple[int, int]:
        """(completion tokens to ask for, tokens of the prompt as counted); less than 1 if the prompt is too long."""
        overhead = _PER_PROMPT + _PER_MESSAGE * len(messages)
        at_most = overhead + sum(_most_tokens(message["content"]) for message in messages)
        if self._fits(at_most):
            return self._wanted, at_most
        if self._tokenizer_path is None:
            # Nothing here can count: the server has the last word, and an overflow is recorded as such.
            texts = sum(len(message["content"].encode()) for message in messages)
            room = self.room_behind(overhead + texts // _LIKELY_BYTES_PER_TOKEN)
            return (min(self._wanted, room) if room >= 1 else self._wanted), at_most
        tokens = overhead + sum(self._count(message["content"]) for message in messages)
        if self._input_limit is not None and tokens > self._input_limit:
            return 0, tokens
        room = self._wanted if self._context is None else self._context - tokens
        return min(self._wanted, room), tokens

    def certain(self, messages: Sequence[dict[str, str]]) -> int | None:
        """Completion tokens that fit however many tokens the prompt has; None if that is unknown or less than 1."""
        if self._tokenizer_path is not None or self._context is None:
            return None
        overhead = _PER_PROMPT + _PER_MESSAGE * len(messages)
        room = self._context - overhead - sum(_most_tokens(message["content"]) for message in messages)
        return min(self._wanted, room) if room >= 1 else None

    def count_at_most(self, text: str) -> int:
        """No fewer tokens than a text has; as many, where the model's tokenizer is known."""
        return _most_tokens(text) if self._tokenizer_path is None else self._count(text)

    @property
    def wanted(self) -> int:
        return self._wanted

    def room_behind(self, prompt_tokens: int) -> int:
        """Tokens that a prompt of so many, as the server counts, leaves for a completion; 0 if it is too long."""
        if self._input_limit is not None and prompt_tokens > self._input_limit:
            return 0
        return self._wanted if self._context is None else self._context - prompt_tokens

    def _fits(self, prompt_tokens: int) -> bool:
        if self._input_limit is not None and prompt_tokens > self._input_limit:
            return False
        return self._context is None or prompt_tokens + self._wanted <= self._context

    def _count(self, text: str) -> int:
        if self._tokenizer is None:
            self._tokenizer = load_tokenizer(Path(self._tokenizer_path or ""))
        return len(self._tokenizer.encode(text, add_special_tokens=False))


def _most_tokens(text: str) -> int:
    """UTF-8 bytes of a text; three times as many where normalisation (NFC) may lengthen it before it is split."""
    return len(text) if text.isascii() else 3 * len(text.encode())


def load_tokenizer(path: Path) -> Any:
    """A `tokenizers.Tokenizer` from its JSON file. Raises UserError if it cannot be read."""
    # Imported here: most jobs never need it.
    from tokenizers import Tokenizer

    if not path.is_file():
        raise UserError("there is no such tokenizer", file=path, remedy="check `tokenizer` in config")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # what the library raises for any fault of the file
        raise UserError(f"not a tokenizer.json: {error}", file=path, remedy="check `tokenizer` in config") from error
