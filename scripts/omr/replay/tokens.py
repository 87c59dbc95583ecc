"""How the replay server counts tokens: a run of word characters is one token, any other visible character is one.

No model's tokenizer does this. It is simple enough to be checked by hand, and it is the same in prompts, in replies, in
`usage` and in the context limit, which is all that a double has to get right.
"""

from __future__ import annotations

import re
from itertools import islice
from zlib import crc32

_TOKEN = re.compile(r"\w+|[^\w\s]")
_VOCABULARY = 1 << 17


def count_tokens(text: str) -> int:
    """The number of tokens of a text."""
    return len(_TOKEN.findall(text))


def first_tokens(text: str, most: int) -> str:
    """The text up to the end of its token number `most`; the whole text if it has no more than that."""
    if most < 1:
        return ""
    starts = islice(_TOKEN.finditer(text), most - 1, most + 1)
    last = next(starts, None)
    return text if last is None or next(starts, None) is None else text[: last.end()]


def token_ids(text: str) -> list[int]:
    """An id for each token: equal tokens have equal ids."""
    return [crc32(token.encode()) % _VOCABULARY for token in _TOKEN.findall(text)]
