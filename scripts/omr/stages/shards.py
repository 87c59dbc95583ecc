"""Which shard of a file's rows a row belongs to."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b


def shard_of(row_id: str, shards: int) -> int:
    """The shard of a row, by its id: rows that come or go elsewhere in the file move no other row."""
    return int.from_bytes(blake2b(row_id.encode(), digest_size=8).digest()) % shards


def member_of(shard: int, shards: int) -> Callable[[str], bool]:
    """Whether a row, by its id, is one of a shard."""
    return lambda row_id: shard_of(row_id, shards) == shard
