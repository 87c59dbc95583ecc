"""Notices prompts that a server has cut without a word, because its context is smaller than config says.

Some servers drop what does not fit, and answer what is left. What they cannot hide is `usage.prompt_tokens`: a prompt
has at least as many tokens as words, whatever the tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

#: Runs of letters and runs of digits: tokenizers split between them. What is not ASCII may be joined to its
#: neighbours by some tokenizer, and so does not begin a run.
_RUN = r"[A-Za-z\u0080-\U0010ffff]+(?:'[A-Za-z\u0080-\U0010ffff]+)*|[0-9]+"
#: A few tokens of some models hold two runs (`://www`): so many of a hundred count.
_COUNTED_OF_HUNDRED = 95
#: Shorter prompts fit every context; and fewer characters than these per token are what whole prompts have.
_SHORT_CHARS, _CHARS_PER_TOKEN = 3000, 4


def fewest_tokens(text: str) -> int:
    """A number of tokens below what any model's tokenizer makes of a text."""
    return sum(1 for _ in _run().finditer(text)) * _COUNTED_OF_HUNDRED // 100


@cache
def _run() -> re.Pattern[str]:
    return re.compile(_RUN)  # takes longer than other imports, and most jobs have no prompt so long


def tokens_cut_off(messages: Sequence[Mapping[str, str]], usage: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """(tokens that the server read, tokens that the prompt has at least) if it read fewer; else None.

    `usage` is as the server sent it; tokens that it took from its cache count as read.
    """
    chars = sum(len(message["content"]) for message in messages)
    if chars < _SHORT_CHARS:
        return None
    read = _tokens_read(usage or {})
    if read < 1 or read * _CHARS_PER_TOKEN > chars:
        return None
    fewest = sum(fewest_tokens(message["content"]) for message in messages)
    return (read, fewest) if read < fewest else None


def _tokens_read(usage: Mapping[str, Any]) -> int:
    """Some servers count what they had in their cache apart."""
    details = usage.get("prompt_tokens_details")
    cached = [usage.get("cache_read_input_tokens"), usage.get("prompt_cache_hit_tokens")]
    cached.append(details.get("cached_tokens") if isinstance(details, Mapping) else None)
    read = usage.get("prompt_tokens")
    if not isinstance(read, int) or isinstance(read, bool):
        return 0
    # Where they are part of the sum, this only makes the bound weaker.
    return read + max((count for count in cached if isinstance(count, int)), default=0)
