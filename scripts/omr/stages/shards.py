"""Which shard of a file's rows a row belongs to."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b


def shard_of(row_id: str, shards: int) -> int:
    """The shard of a row, by its id: rows that come or go elsewhere in the file move no other row."""
    return hash_of(row_id) % shards


def hash_of(row_id: str) -> int:
    """What a row's shard follows from: 64 bits."""
    return int.from_bytes(blake2b(row_id.encode(), digest_size=8).digest())


def member_of(shard: int, shards: int) -> Callable[[str], bool]:
    """Whether a row, by its id, is one of a shard."""
    return lambda row_id: shard_of(row_id, shards) == shard
