"""Spellings of a model's control tokens that stand in rows: they are made to arrive as text.

Servers read `<|im_end|>` in a message as the token that ends a turn, whoever wrote it there, so that a forum post could
speak for the user or for the model. A blank behind its first sign makes it a text that says the same to a reader
(`< |im_end|>`), and that can be undone by the same rule. Only fields of rows are treated; prompts are ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from omr.errors import UserError

#: The first sign of what control tokens look like in most families: `<|...|>`, DeepSeek's wide bars, one bar only.
_FORM = r"<(?=[|\uff5c][^<>\s]{1,80}>)|<(?=[^<>\s|\uff5c]{1,80}[|\uff5c]>)"


class SpecialTokens:
    """The control tokens of a model: all that look like some, and those that its tokenizer names."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        # Of a word or a blank nobody could say whether it is meant as a token.
        others = {token for token in named if len(token) > 1 and not (token[0].isalnum() or token[0].isspace())}
        # Only the first sign is matched: another token may begin within one (`<|[INST]>`).
        named_signs = sorted(f"{re.escape(token[0])}(?={re.escape(token[1:])})" for token in others)
        self._sign = re.compile("|".join([_FORM, *named_signs]))
        self._first_signs = {"<", *(token[0] for token in others)}

    @classmethod
    def of_tokenizer(cls, path: str | None) -> SpecialTokens:
        """Those that a `tokenizer.json` marks as special. Raises UserError for a file that cannot be read."""
        if path is None:
            return cls()
        try:
            added = orjson.loads(Path(path).read_bytes()).get("added_tokens") or []
            return cls(entry["content"] for entry in added if entry.get("special"))
        except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
            remedy = "check `tokenizer` in config"
            raise UserError(f"no special tokens can be read there: {error}", file=path, remedy=remedy) from error

    @classmethod
    def of_model(cls, tokenizer: str | None, checkpoint: str) -> SpecialTokens:
        """Those of the tokenizer that config names, else of the one in the checkpoint's folder, if it is one."""
        beside = Path(checkpoint) / "tokenizer.json"
        return cls.of_tokenizer(tokenizer or (str(beside) if beside.is_file() else None))

    def as_text(self, text: str) -> tuple[str, int]:
        """(the text in which no control token is left, how many there were)."""
        if not any(sign in text for sign in self._first_signs):
            return text, 0
        return self._sign.subn(lambda found: f"{found[0]} ", text)

    def row_as_text(self, row: Mapping[str, Any], fields: Collection[str]) -> tuple[Mapping[str, Any], int]:
        """The row with its `fields` treated, and how many tokens there were."""
        treated, count = dict[str, Any](), 0
        for field in fields:
            if row.get(field) is not None:
                text, tokens = self.as_text(str(row[field]))
                if tokens:
                    treated[field] = text
                    count += tokens
        return ({**row, **treated} if treated else row), count
